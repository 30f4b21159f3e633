# shellcheck shell=sh
# Installs what is missing, by the machine's own package manager. Sourced by the scripts that need it.

# The package that has a program: package MANAGER PROGRAM
package() {
    case $1:$2 in
    pacman:ssh | pacman:sshd) echo openssh ;;
    dnf:ssh) echo openssh-clients ;;
    apk:ssh-keygen) echo openssh-keygen ;;
    pacman:ssh-keygen) echo openssh ;;
    dnf:ssh-keygen) echo openssh ;;
    *:ssh | *:ssh-keygen) echo openssh-client ;;
    *:sshd) echo openssh-server ;;
    apk:cc) echo build-base ;;
    *:cc) echo gcc ;;
    apt-get:useradd) echo passwd ;;
    dnf:useradd) echo shadow-utils ;;
    *:useradd) echo shadow ;;
    *:fail2ban-regex) echo fail2ban ;;
    *) echo "$2" ;;
    esac
}

# need PROGRAM...: installs the packages of the programs that are not there, and says so before it does.
need() {
    missing=
    for program in "$@"; do
        command -v "$program" >/dev/null || [ -x "/usr/sbin/$program" ] || missing="$missing $program"
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
    echo "installing by $manager:$packages" >&2
    # The list is of words: it must split.
    # shellcheck disable=SC2086
    case $manager in
    apt-get)
        apt-get update -qq >&2
        # RUNLEVEL=1: the package must not start its sshd; hubgate's own comes on a port of its own.
        DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $packages >&2
        ;;
    dnf) dnf install -y -q $packages >&2 ;;
    pacman) pacman -Sy --noconfirm --needed $packages >&2 ;;
    apk) apk add -q $packages >&2 ;;
    esac
}

# need_cargo: there must be a Rust toolchain of 1.85 or newer; none is installed from here.
need_cargo() {
    version=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    if [ "${version:-0}" -lt 85 ]; then
        echo "hubgate needs cargo 1.85 or newer: install it from your distribution (Debian 13: apt-get install cargo) or from https://rustup.rs" >&2
        return 1
    fi
}

# need_root: what follows makes login accounts and starts an sshd that lets others log in.
need_root() {
    if [ "$(id -u)" != 0 ]; then
        echo "run this as root: it makes login accounts and starts an sshd of its own" >&2
        return 1
    fi
}
