"""One operation of dulwich's: clone|shallow|by-id|partial|push|version PROTOCOL URL COMMIT, in a new directory."""

import os
import sys

import dulwich
from dulwich import porcelain
from dulwich.client import get_transport_and_path
from dulwich.repo import Repo

operation, protocol, url, commit = sys.argv[1:]


def clone(**options):
    return porcelain.clone(url, "tree", protocol_version=int(protocol), errstream=sys.stderr.buffer, **options)


def history(repo):
    return [entry.commit.message.strip() for entry in repo.get_walker()]


def expect(found, wanted):
    if found != wanted:
        sys.exit(f"found {found}, expected {wanted}")


if operation == "version":
    print(".".join(map(str, dulwich.__version__)))
elif operation == "clone":
    with clone() as repo:
        expect(history(repo), [b"third", b"second", b"first"])
elif operation == "shallow":
    with clone(depth=1) as repo:
        expect(history(repo), [b"third"])
elif operation == "partial":
    with clone(filter_spec="blob:none", checkout=False) as repo:
        expect(history(repo), [b"third", b"second", b"first"])
        expect({repo[name].type_name for name in repo.object_store} & {b"blob"}, set())
elif operation == "by-id":
    client, path = get_transport_and_path(url, ssh_command=os.environ["GIT_SSH_COMMAND"])
    with Repo.init("tree", mkdir=True) as repo:
        wants = [commit.encode()]
        client.fetch(path, repo, determine_wants=lambda refs, depth=None: wants, protocol_version=int(protocol))
        expect(repo[commit.encode()].message.strip(), b"second")
else:
    with clone() as repo:
        porcelain.commit(repo, message=b"by dulwich", author=b"A <a@example.com>", committer=b"A <a@example.com>")
        porcelain.push(repo, url, "refs/heads/main", errstream=sys.stderr.buffer)
