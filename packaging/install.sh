#!/bin/sh
# Installs hubgate under DESTDIR (default: /). In a source tree, it builds the programs first; in the unpacked archive
# of a release, they lie in the directory `programs`. It creates no account and changes no configuration. It lists the
# installed files in usr/share/hubgate/installed, for packaging/uninstall.sh.
#
#   sh packaging/install.sh [DESTDIR]
set -eu
cd "$(dirname "$0")/.."
destination=${1:-}
# shellcheck source=packaging/need.sh
. packaging/need.sh
if [ -z "$destination" ] && [ "$(id -u)" != 0 ]; then
    echo "run this as root, or name a directory: sh packaging/install.sh DESTDIR" >&2
    exit 1
fi
if [ -z "$destination" ] && dpkg-query --status hubgate 2>/dev/null | grep -q '^Status: .* installed$'; then
    echo "the package hubgate is installed: upgrade it, or remove it first: apt remove hubgate" >&2
    exit 1
fi
if [ -x programs/hubgate ]; then
    built=programs
else
    need_cargo || exit 1
    need cc || exit 1
    echo "building hubgate with $(cargo --version) (the first time takes a few minutes)" >&2
    built=$(sh packaging/build.sh)
fi
echo "installing it in $destination/usr: programs, man pages, completions, examples and systemd units" >&2
list=$(mktemp)
trap 'rm -f "$list"' EXIT
sh packaging/files.sh "$built" "$destination" >"$list"
# An upgrade removes files that this version does not have. The order of the lists, which depends on the locale, does
# not matter.
installed=$destination/usr/share/hubgate/installed
if [ -f "$installed" ]; then
    grep -vxF -f "$list" "$installed" | while IFS= read -r file; do
        rm -f "$destination/$file"
    done
fi
echo usr/share/hubgate/installed >>"$list"
LC_ALL=C sort "$list" >"$installed"
chmod 644 "$installed"
echo "installed; next, as root: hubgate init, or after an upgrade: hubgate migrate"
