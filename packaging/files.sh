#!/bin/sh
# Puts the files of hubgate under a directory: the one list of what is installed. packaging/install.sh and every package
# use it. It builds nothing, creates no account, and changes nothing outside DESTINATION.
#
#   sh packaging/files.sh PROGRAMS DESTINATION [package]
#
# PROGRAMS is the directory of the four programs. `package` adds what only a package manager may own: files in /etc, and
# what creates accounts. It prints the path of each file. ZSH names the directory of zsh's completions.
set -eu
cd "$(dirname "$0")/.."
programs=$1
destination=$2
kind=${3:-}

# put MODE SOURCE TARGET: installs a file, and prints its path.
put() {
    install -D -m "$1" "$2" "$destination/$3"
    echo "$3"
}
# link TEXT TARGET: makes a link, and prints its path.
link() {
    mkdir -p "$(dirname "$destination/$2")"
    ln -sfn "$1" "$destination/$2"
    echo "$2"
}

put 755 "$programs/hubgate" usr/bin/hubgate
for program in authorized-keys gateway services; do
    put 755 "$programs/$program" "usr/libexec/hubgate/$program"
done
for hook in pre-receive proc-receive post-receive; do
    link ../services "usr/libexec/hubgate/hooks/$hook"
done
# The program of hubgate-sshd.service.
link ../../sbin/sshd usr/libexec/hubgate/hubgate-sshd
put 755 packaging/backup.sh usr/libexec/hubgate/backup
for unit in packaging/systemd/*; do
    put 644 "$unit" "usr/lib/systemd/system/${unit##*/}"
done
put 644 packaging/weak-keys usr/share/hubgate/weak-keys
for page in packaging/man/*.[58]; do
    put 644 "$page" "usr/share/man/man${page##*.}/${page##*/}"
done
put 644 packaging/completions/hubgate.bash usr/share/bash-completion/completions/hubgate
put 644 packaging/completions/_hubgate "${ZSH:-usr/share/zsh/vendor-completions}/_hubgate"
put 644 packaging/completions/hubgate.fish usr/share/fish/vendor_completions.d/hubgate.fish
examples=usr/share/doc/hubgate/examples
for example in sshd_config.example packaging/config.toml packaging/backup.conf packaging/alerts.yml packaging/cron; do
    put 644 "$example" "$examples/${example##*/}"
done
put 644 packaging/pam.d/hubgate-sshd "$examples/pam.d/hubgate-sshd"
for check in secrets pickles; do
    put 644 "packaging/checks/$check" "$examples/checks/$check"
done
if [ "$kind" != package ]; then
    put 644 packaging/apparmor.conf "$examples/apparmor.conf"
    put 644 packaging/fail2ban/filter.conf "$examples/fail2ban/filter.conf"
    put 644 packaging/fail2ban/jail.conf "$examples/fail2ban/jail.conf"
    exit
fi
put 644 packaging/sysusers.conf usr/lib/sysusers.d/hubgate.conf
put 644 packaging/tmpfiles.conf usr/lib/tmpfiles.d/hubgate.conf
put 644 packaging/config.toml etc/hubgate/config.toml
put 644 packaging/backup.conf etc/hubgate/backup.conf
put 644 packaging/apparmor.conf etc/apparmor.d/usr.libexec.hubgate.authorized-keys
put 644 packaging/fail2ban/filter.conf etc/fail2ban/filter.d/hubgate.conf
put 644 packaging/fail2ban/jail.conf etc/fail2ban/jail.d/hubgate.conf
