#!/bin/sh
# Runs a demo hub with its own sshd on 127.0.0.1. The demo removes the hub when it ends. In a source tree, the script
# builds hubgate first; in the unpacked archive of a release, the programs lie in the directory `programs`.
#
#   sh packaging/demo.sh [OPTION...]        the options are those of `hubgate demo`, such as --once
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=packaging/need.sh
. packaging/need.sh
need_root || exit 1
if [ -x programs/hubgate ]; then
    need sshd ssh ssh-keygen git git-lfs useradd getent || exit 1
    built=programs
else
    need_cargo || exit 1
    need sshd ssh ssh-keygen git git-lfs cc useradd getent || exit 1
    echo "building (the first time takes a minute or two)" >&2
    built=$(sh packaging/build.sh)
fi
exec "$built/hubgate" demo "$@"
