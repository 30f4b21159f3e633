"""Clones with dulwich, commits a file, pushes it. Words: ssh|paramiko HOST PORT LOGIN PATH KEY SSH_CONFIG DIRECTORY"""

import os
import sys

import paramiko
from dulwich import porcelain
from dulwich.client import SSHGitClient, SubprocessSSHVendor

how, host, port, login, path, key, ssh_config, directory = sys.argv[1:]


class Channel:
    """A channel of paramiko's, as dulwich reads and writes it."""

    def __init__(self, client, channel):
        self.client, self.channel = client, channel
        self.stderr = channel.makefile_stderr("rb")

    def can_read(self):
        return self.channel.recv_ready()

    def write(self, data):
        return self.channel.sendall(data)

    def read(self, length=-1):
        data = b""
        while length < 0 or len(data) < length:
            more = self.channel.recv(length - len(data) if length >= 0 else 65536)
            if not more:
                break
            data += more
        return data

    def close(self, timeout=None):
        self.client.close()


class ParamikoVendor:
    """Signs at once with its one key, where OpenSSH asks first whether the key would do."""

    def run_command(self, host, command, username=None, port=None, **_):
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        client.connect(host, port, username, key_filename=key, allow_agent=False, look_for_keys=False)
        channel = client.get_transport().open_session()
        channel.exec_command(command)
        return Channel(client, channel)


if how == "ssh":
    client = SSHGitClient("hub.test", vendor=SubprocessSSHVendor(), ssh_command=f"ssh -oBatchMode=yes -F {ssh_config}")
else:
    client = SSHGitClient(host, port=int(port), username=login, vendor=ParamikoVendor())
repo = client.clone(path, directory, mkdir=True)
with open(os.path.join(directory, "pushed"), "w") as file:
    file.write(f"by dulwich over {how}\n")
porcelain.add(repo, [os.path.join(directory, "pushed")])
head = porcelain.commit(repo, b"by dulwich", author=b"A <a@example.com>", committer=b"A <a@example.com>")


def update(refs):
    return {b"refs/heads/main": head}


result = client.send_pack(path, update, repo.generate_pack_data)
errors = [error for error in (result.ref_status or {}).values() if error]
if errors:
    sys.exit(f"refused: {errors}")
print(head.decode())
