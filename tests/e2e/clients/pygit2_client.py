"""Clones with libgit2, commits a file, pushes it. Words: keypair|agent HOST PORT LOGIN PATH KEY SSH_CONFIG DIRECTORY"""

import sys

import pygit2

how, host, port, login, path, key, _, directory = sys.argv[1:]


class Callbacks(pygit2.RemoteCallbacks):
    def credentials(self, url, username_from_url, allowed_types):
        if how == "agent":
            return pygit2.KeypairFromAgent(username_from_url)
        return pygit2.Keypair(username_from_url, f"{key}.pub", key, "")

    def certificate_check(self, certificate, valid, host):
        return True

    def push_update_reference(self, refname, message):
        if message is not None:
            sys.exit(f"refused: {refname}: {message}")


repo = pygit2.clone_repository(f"ssh://{login}@{host}:{port}/{path}", directory, callbacks=Callbacks())
who = pygit2.Signature("A", "a@example.com")
blob = repo.create_blob(f"by libgit2 with {how}\n".encode())
builder = repo.TreeBuilder(repo.head.peel(pygit2.Tree))
builder.insert("pushed", blob, pygit2.enums.FileMode.BLOB)
head = repo.create_commit("refs/heads/main", who, who, "by libgit2", builder.write(), [repo.head.target])
repo.remotes["origin"].push(["refs/heads/main"], callbacks=Callbacks())
print(head)
