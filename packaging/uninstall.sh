#!/bin/sh
# Removes what packaging/install.sh installed under DESTDIR (default: /). Accounts, configuration, database,
# repositories and sshd's configuration stay.
#
#   sh packaging/uninstall.sh [DESTDIR]
set -eu
destination=${1:-}
installed=$destination/usr/share/hubgate/installed
if [ ! -f "$installed" ]; then
    echo "$installed is missing: packaging/install.sh of this version has installed nothing there" >&2
    exit 1
fi
if [ -e "$destination/etc/ssh/sshd_config.d/50-hubgate.conf" ]; then
    echo "sshd still uses hubgate: first run hubgate sshd-config --remove" >&2
    exit 1
fi
# The list is one of the files.
files=$(cat "$installed")
echo "$files" | while IFS= read -r file; do
    rm -f "$destination/$file"
done
# Only directories that no other package has files in.
for directory in usr/libexec/hubgate/hooks usr/libexec/hubgate usr/share/hubgate usr/share/doc/hubgate/examples/checks \
    usr/share/doc/hubgate/examples/pam.d usr/share/doc/hubgate/examples/fail2ban usr/share/doc/hubgate/examples \
    usr/share/doc/hubgate; do
    [ ! -d "$destination/$directory" ] || rmdir --ignore-fail-on-non-empty "$destination/$directory"
done
echo "removed the programs; /etc/hubgate, /var/lib/hubgate and the login accounts stay"
