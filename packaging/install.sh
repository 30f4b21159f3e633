#!/bin/sh
# Builds hubgate and installs it under DESTDIR (default: /). It creates no account and changes no configuration. It
# lists the installed files in usr/share/hubgate/installed, for packaging/uninstall.sh.
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
need_cargo || exit 1
need cc || exit 1
echo "building hubgate with $(cargo --version) (the first time takes a few minutes)" >&2
built=$(sh packaging/build.sh)
echo "installing it in $destination/usr: programs, man pages, completions, examples and a systemd unit" >&2
list=$(mktemp)
trap 'rm -f "$list"' EXIT

# put MODE SOURCE TARGET: installs a file, and lists it.
put() {
    install -D -m "$1" "$2" "$destination/$3"
    echo "$3" >>"$list"
}
# link TEXT TARGET: makes a link, and lists it.
link() {
    mkdir -p "$(dirname "$destination/$2")"
    ln -sfn "$1" "$destination/$2"
    echo "$2" >>"$list"
}

put 755 "$built/hubgate" usr/bin/hubgate
for program in authorized-keys gateway services; do
    put 755 "$built/$program" "usr/libexec/hubgate/$program"
done
link ../services usr/libexec/hubgate/hooks/pre-receive
link ../services usr/libexec/hubgate/hooks/proc-receive
link ../services usr/libexec/hubgate/hooks/post-receive
# The program of hubgate-sshd.service.
link /usr/sbin/sshd usr/libexec/hubgate/hubgate-sshd
put 644 packaging/systemd/hubgate-sshd.service usr/lib/systemd/system/hubgate-sshd.service
put 644 packaging/weak-keys usr/share/hubgate/weak-keys
for page in packaging/man/*.8; do
    put 644 "$page" "usr/share/man/man8/${page##*/}"
done
put 644 packaging/man/hubgate.toml.5 usr/share/man/man5/hubgate.toml.5
for example in sshd_config.example packaging/config.toml; do
    put 644 "$example" "usr/share/doc/hubgate/examples/${example##*/}"
done
put 644 packaging/pam.d/hubgate-sshd usr/share/doc/hubgate/examples/pam.d/hubgate-sshd
put 644 packaging/completions/hubgate.bash usr/share/bash-completion/completions/hubgate
put 644 packaging/completions/_hubgate usr/share/zsh/vendor-completions/_hubgate
put 644 packaging/completions/hubgate.fish usr/share/fish/vendor_completions.d/hubgate.fish
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
