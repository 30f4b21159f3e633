#!/bin/sh
# Builds hubgate and installs it under DESTDIR (default: /). It creates no account and changes no configuration.
#
#   sh packaging/install.sh [DESTDIR]
set -eu
cd "$(dirname "$0")/.."
destination=${1:-}
# shellcheck source=packaging/need.sh
. packaging/need.sh
need_cargo || exit 1
need cc || exit 1
built=$(sh packaging/build.sh)
install -d -m 755 "$destination/usr/bin" "$destination/usr/libexec/hubgate" "$destination/usr/share/hubgate" \
    "$destination/usr/share/man/man8" "$destination/usr/share/doc/hubgate/examples"
install -m 755 "$built/hubgate" "$destination/usr/bin/hubgate"
install -m 755 "$built/authorized-keys" "$built/gateway" "$built/services" "$destination/usr/libexec/hubgate/"
install -d -m 755 "$destination/usr/libexec/hubgate/hooks"
ln -sf ../services "$destination/usr/libexec/hubgate/hooks/pre-receive"
ln -sf ../services "$destination/usr/libexec/hubgate/hooks/post-receive"
# The program of hubgate-sshd.service.
ln -sf /usr/sbin/sshd "$destination/usr/libexec/hubgate/hubgate-sshd"
install -D -m 644 packaging/systemd/hubgate-sshd.service "$destination/usr/lib/systemd/system/hubgate-sshd.service"
install -m 644 packaging/weak-keys "$destination/usr/share/hubgate/weak-keys"
install -m 644 packaging/man/*.8 "$destination/usr/share/man/man8/"
install -D -m 644 packaging/man/hubgate.toml.5 "$destination/usr/share/man/man5/hubgate.toml.5"
install -m 644 sshd_config.example packaging/config.toml "$destination/usr/share/doc/hubgate/examples/"
install -D -m 644 packaging/pam.d/hubgate-sshd "$destination/usr/share/doc/hubgate/examples/pam.d/hubgate-sshd"
install -D -m 644 packaging/completions/hubgate.bash "$destination/usr/share/bash-completion/completions/hubgate"
install -D -m 644 packaging/completions/_hubgate "$destination/usr/share/zsh/vendor-completions/_hubgate"
install -D -m 644 packaging/completions/hubgate.fish "$destination/usr/share/fish/vendor_completions.d/hubgate.fish"
echo "installed; next, as root: hubgate init"
