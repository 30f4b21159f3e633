"""One operation of libgit2, by pygit2: clone|shallow|by-id|push|version URL KEY COMMIT, in a new directory."""

import sys

import pygit2

operation, url, key, commit = sys.argv[1:]


class Callbacks(pygit2.RemoteCallbacks):
    def credentials(self, url, username_from_url, allowed_types):
        return pygit2.Keypair(username_from_url, f"{key}.pub", key, "")

    def certificate_check(self, certificate, valid, host):
        # libgit2 has no file of known hosts, and pygit2 hands on no host key.
        return True

    def push_update_reference(self, refname, message):
        if message is not None:
            sys.exit(f"refused: {refname}: {message}")


def history(repo):
    return [commit.message.strip() for commit in repo.walk(repo.head.target)]


def expect(found, wanted):
    if found != wanted:
        sys.exit(f"found {found}, expected {wanted}")


if operation == "version":
    print(f"{pygit2.LIBGIT2_VERSION} (pygit2 {pygit2.__version__})")
elif operation == "clone":
    expect(history(pygit2.clone_repository(url, "tree", callbacks=Callbacks())), ["third", "second", "first"])
elif operation == "shallow":
    repo = pygit2.clone_repository(url, "tree", callbacks=Callbacks(), depth=1)
    expect(history(repo), ["third"])
    # GIT_FETCH_DEPTH_UNSHALLOW
    repo.remotes["origin"].fetch(callbacks=Callbacks(), depth=0x7FFFFFFF)
    expect(history(repo), ["third", "second", "first"])
elif operation == "by-id":
    repo = pygit2.init_repository("tree")
    repo.remotes.create("origin", url).fetch([commit], callbacks=Callbacks())
    expect(repo[commit].message.strip(), "second")
else:
    repo = pygit2.clone_repository(url, "tree", callbacks=Callbacks())
    who = pygit2.Signature("A", "a@example.com")
    repo.create_commit("refs/heads/main", who, who, "by libgit2", repo.head.peel(pygit2.Tree).id, [repo.head.target])
    repo.remotes["origin"].push(["refs/heads/main"], callbacks=Callbacks())
