"""What git needs of ssh, by asyncssh: KEY KNOWN_HOSTS [-o OPTION] -p PORT LOGIN@HOST COMMAND..., or: version."""

import asyncio
import getopt
import os
import sys

import asyncssh


async def main(key, known_hosts, *words):
    options, (address, *command) = getopt.getopt(words, "o:p:")
    login, host = address.split("@")
    environment = {name: os.environ[name] for name in ["GIT_PROTOCOL"] if name in os.environ}
    async with asyncssh.connect(
        host, int(dict(options)["-p"]), username=login, client_keys=[key], known_hosts=known_hosts, config=None
    ) as connection:
        # asyncssh closes what it gets. An error needs a standard error that is open.
        stdin, stdout, stderr = (os.fdopen(os.dup(number), mode, 0) for number, mode in enumerate(["rb", "wb", "wb"]))
        process = await connection.create_process(
            " ".join(command), env=environment, encoding=None, stdin=stdin, stdout=stdout, stderr=stderr
        )
        # There is no status if git-lfs went away before it came.
        return (await process.wait()).exit_status or 0


if sys.argv[1:] == ["version"]:
    print(asyncssh.__version__)
else:
    sys.exit(asyncio.run(main(*sys.argv[1:])))
