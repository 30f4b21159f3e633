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
        process = await connection.create_process(
            " ".join(command), env=environment, encoding=None, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr
        )
        status = (await process.wait()).exit_status
        # There is no status if git-lfs went away before it came. asyncssh has closed the files of this process, which
        # Python would close again.
        os._exit(status or 0)


if sys.argv[1:] == ["version"]:
    print(asyncssh.__version__)
else:
    asyncio.run(main(*sys.argv[1:]))
