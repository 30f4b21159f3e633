# shellcheck shell=sh
# Installs missing programs with the machine's package manager. Other scripts source this file.

# package MANAGER PROGRAM: prints the name of the package that contains the program.
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

# need PROGRAM...: installs the packages of the missing programs. It announces them first.
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
    # The list must split into words.
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

# need_cargo: checks for cargo 1.85 or newer. It installs no toolchain.
need_cargo() {
    version=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    if [ "${version:-0}" -lt 85 ]; then
        echo "hubgate needs cargo 1.85 or newer: install it from your distribution (Debian 13: apt-get install cargo) or from https://rustup.rs" >&2
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
