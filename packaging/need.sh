# shellcheck shell=sh
# Installs missing programs with the machine's package manager. Other scripts source this file.

# package MANAGER PROGRAM: prints the packages with which the program works, even where nothing recommended is
# installed.
package() {
    case $1:$2 in
    pacman:ssh | pacman:sshd) echo openssh ;;
    dnf:ssh) echo openssh-clients ;;
    apk:ssh-keygen) echo openssh-keygen ;;
    pacman:ssh-keygen) echo openssh ;;
    dnf:ssh-keygen) echo openssh ;;
    *:ssh | *:ssh-keygen) echo openssh-client ;;
    *:sshd) echo openssh-server ;;
    # What a linker finds beside the compiler: crt1.o, libc.so and libc.a.
    apt-get:cc) echo gcc libc6-dev ;;
    dnf:cc) echo gcc glibc-devel glibc-static ;;
    apk:cc) echo build-base ;;
    *:cc) echo gcc ;;
    apt-get:useradd) echo passwd ;;
    dnf:useradd) echo shadow-utils ;;
    *:useradd) echo shadow ;;
    apt-get:getent) echo libc-bin ;;
    dnf:getent) echo glibc-common ;;
    pacman:getent) echo glibc ;;
    apk:getent) echo musl-utils ;;
    apt-get:ps) echo procps ;;
    dnf:ps | pacman:ps) echo procps-ng ;;
    apk:ps) echo procps ;;
    *:ip) echo iproute2 ;;
    *:gitolite) echo gitolite3 ;;
    *:rpmbuild) echo rpm ;;
    *:nix-instantiate) echo nix-bin ;;
    *:fail2ban-regex) echo fail2ban ;;
    *:systemd-analyze) echo systemd ;;
    *:apparmor_parser) echo apparmor ;;
    *) echo "$2" ;;
    esac
}

# present PROGRAM: checks that a program is there and works. A compiler works if it links a static program with libc.
present() {
    # Packages without a program of their name.
    case $1 in
    selinux-policy-dev) [ -e /usr/share/selinux/devel/Makefile ] && return 0 || return 1 ;;
    cgit) [ -e /usr/lib/cgit/cgit.cgi ] && return 0 || return 1 ;;
    esac
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || return 1
    [ "$1" != cc ] || echo 'int main(void) { return 0; }' | cc -static -x c -o /dev/null - 2>/dev/null
}

# need PROGRAM...: installs the packages of the missing programs. It announces them first.
need() {
    missing=
    for program in "$@"; do
        present "$program" || missing="$missing $program"
    done
    [ -n "$missing" ] || return 0
    for manager in apt-get dnf pacman apk; do
        command -v "$manager" >/dev/null && break
        manager=
    done
    if [ -z "${manager:-}" ]; then
        echo "missing:$missing; install them and try again" >&2
        return 1
    fi
    packages=
    for program in $missing; do
        packages="$packages $(package "$manager" "$program")"
    done
    # The list must split into words.
    # shellcheck disable=SC2086
    packages=$(printf '%s\n' $packages | sort -u | tr '\n' ' ')
    echo "installing by $manager: $packages" >&2
    # shellcheck disable=SC2086
    case $manager in
    apt-get)
        apt-get update -qq >&2
        # RUNLEVEL=1 keeps the package from starting its sshd. The demo starts its own sshd on another port.
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $packages >&2
        ;;
    dnf) dnf install -y -q $packages >&2 ;;
    pacman) pacman -Sy --noconfirm --needed $packages >&2 ;;
    apk) apk add -q $packages >&2 ;;
    esac
}

# need_cargo: checks for the cargo version that Cargo.toml states. It installs no toolchain. Call it in the root of the
# source tree.
need_cargo() {
    wanted=$(sed -n 's/^rust-version = "1\.\([0-9]*\)"$/\1/p' Cargo.toml)
    version=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    if [ "${version:-0}" -lt "$wanted" ]; then
        echo "hubgate needs cargo 1.$wanted or newer: run 'apt-get install cargo-web' (Debian 12 and 13)," \
            "or install it from https://rustup.rs" >&2
        return 1
    fi
}

# need_root: checks for root, because the caller creates login accounts and starts an sshd for them.
need_root() {
    if [ "$(id -u)" != 0 ]; then
        echo "run this as root: it makes login accounts and starts an sshd of its own" >&2
        return 1
    fi
}
