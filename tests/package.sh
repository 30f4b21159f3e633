#!/bin/sh
# Checks the Debian package: as a file, and in a throw-away root.
#
#   sh tests/package.sh [bookworm|trixie]...   installs it on a Debian system as README.md says, and uses it
#   sh tests/package.sh release                makes a release of the last commit twice, which must give the same bytes
#   sh tests/package.sh others                 packages of other distributions, as far as Debian's tools can check them
#   sh tests/package.sh quick PROGRAMS         what tests/run.sh runs; packaging/build.sh prints the directory PROGRAMS
#
# In the first form, README.md is the input: its section "Install it" is typed, and what it shows is compared. Then the
# package is upgraded, removed, purged and installed again. Last, the package of the last tag is installed and upgraded.
# The systems run systemd, and are gone at the end. HUBGATE_PROGRAMS names a directory of programs to package.
#
# With `quick`, the throw-away root is this machine's, in which only the run itself sees a change. It has no
# /proc, as in an image that is being built.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/chroot.sh
. tests/chroot.sh
cache=/var/cache/hubgate-tools
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

# quick_files PACKAGE: what the package contains, by owner, mode and place.
quick_files() {
    # man pages are checked by mandoc, which tests/run.sh runs.
    lintian --allow-root --fail-on error,warning -X documentation/manual "$1"
    dpkg-deb --fsys-tarfile "$1" | tar -t -v >"$work/list"
    awk '
        $2 != "root/root" { print "not of root: " $0; bad = 1 }
        $1 ~ /^d/ && $1 != "drwxr-xr-x" { print "mode of a directory: " $0; bad = 1 }
        $1 ~ /^-/ {
            mode = $6 ~ /^\.\/usr\/(bin|libexec)\// ? "-rwxr-xr-x" : "-rw-r--r--"
            if ($1 != mode) { print "mode of a file: " $0; bad = 1 }
        }
        END { exit bad }
    ' "$work/list"
    # Every file in /etc is a conffile. None is read by sshd or PAM: installing the package opens no login.
    sed -n 's,^-.* \./\(etc/.*\)$,/\1,p' "$work/list" | sort >"$work/etc"
    diff "$work/etc" packaging/debian/conffiles
    if grep -E '^/etc/(ssh|pam\.d|cron\.d|systemd)/' "$work/etc"; then return 1; fi
    # The files of packaging/install.sh are in the package too, but examples whose place is /etc.
    sh packaging/files.sh "$2" "$work/installed" | grep -v '/examples/\(apparmor.conf\|fail2ban/\)' |
        sort >"$work/expected"
    awk '$1 ~ /^[-l]/ { sub("^\\./", "", $6); if ($6 ~ "^usr/share/man/") sub("\\.gz$", "", $6); print $6 }' \
        "$work/list" | sort >"$work/found"
    comm -23 "$work/expected" "$work/found" >"$work/missing"
    diff /dev/null "$work/missing"
}

# The script of the throw-away root, from an installation to a purge. $1 is the package, $2 one of a later version. What
# the key lookup opens is what packaging/apparmor.conf allows, beside what every program may.
in_root() {
    cat <<'SCRIPT'
package=$1 later=$2
gateway=/usr/libexec/hubgate/gateway
say() { printf '== %s\n' "$*"; }
# Messages of dpkg itself, which depend on what the machine has, are left out.
dpkg_does() { dpkg --no-triggers "$@" 2>&1 | grep '^hubgate: ' || true; }
is_installed() {
    dpkg-query --show --showformat '${db:Status-Status}\n' hubgate 2>/dev/null || echo not-installed
}
# This is a copy of the machine.
for account in git hubgate-keys; do
    sed -i "/^$account:/d" /etc/passwd /etc/shadow /etc/group /etc/gshadow
done
dpkg --purge hubgate >/dev/null 2>&1 || true
rm -rf /etc/hubgate /var/lib/hubgate /etc/ssh/sshd_config.d/50-hubgate.conf
mkdir -p /run/sshd /etc/ssh/sshd_config.d
[ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -A >/dev/null
[ ! -e /proc/self ]
find /etc/ssh /etc/pam.d -type f -exec sha256sum {} + | sort >/before

say "install"
dpkg_does --install "$package"
is_installed
getent passwd git hubgate-keys | cut -d: -f1,6,7
getent shadow git hubgate-keys | cut -d: -f1,2
stat -c '%n %U:%G %a' /var/lib/hubgate /etc/hubgate/config.toml
find /etc/ssh /etc/pam.d -type f -exec sha256sum {} + | sort | diff /before -

say "upgrade with a changed configuration and data"
hubgate init --host hub.test | grep -v '^next'
hubgate user add alice
sed -i 's/^#name = .*/name = "Kept"/' /etc/hubgate/config.toml
dpkg_does --install "$later"
dpkg-query --show --showformat '${Version}\n' hubgate | grep -cx "$(dpkg-deb --field "$later" Version)"
grep '^[a-z]* = ' /etc/hubgate/config.toml
hubgate user list | grep -o alice
hubgate sshd-config --install >/dev/null
sshd -t

say "remove"
dpkg_does --remove hubgate
sshd -t && echo "sshd can start"
sshd -T -C user=git,host=hub.test,addr=192.0.2.1 | grep -i '^authorizedkeys'
ls /usr/libexec/hubgate 2>/dev/null || echo "no programs"
ls -d /var/lib/hubgate/db/hubgate.db /var/lib/hubgate/repositories /etc/hubgate/config.toml

say "purge"
dpkg_does --purge hubgate
is_installed
ls -d /var/lib/hubgate/db/hubgate.db /etc/hubgate 2>&1 | grep -v 'ls:'
getent passwd git hubgate-keys | wc -l

say "reinstall"
dpkg_does --install "$package"
hubgate init --host hub.test
hubgate user list | grep -o alice

say "purge that deletes the data"
useradd --system --non-unique --no-create-home --no-user-group --uid "$(id -u git)" --gid "$(id -g git)" \
    --shell "$gateway" anonymous
touch /var/lib/hubgate/delete-on-purge
rm /etc/ssh/sshd_config.d/50-hubgate.conf
dpkg_does --purge hubgate
ls -d /var/lib/hubgate /etc/hubgate 2>/dev/null || getent passwd git hubgate-keys anonymous || echo "all is gone"

say "an account git of other software"
useradd --system --home-dir /srv/git --shell /bin/sh --password '!' git
getent passwd git >/before
getent shadow git >>/before
dpkg_does --install "$package"
{ getent passwd git && getent shadow git; } | diff /before - && echo "git is as before"
hubgate init --host hub.test --login hub | grep -v created
stat -c '%n %U' /var/lib/hubgate/db /var/lib/hubgate/repositories
{ getent passwd git && getent shadow git; } | diff /before - && echo "git is as before"
# As at the next boot, when /proc is there.
mount -t proc proc /proc
systemd-tmpfiles --create hubgate.conf
systemd-sysusers hubgate.conf
stat -c '%n %U' /var/lib/hubgate/db
{ getent passwd git && getent shadow git; } | diff /before - && echo "git is as before"
say "what the key lookup opens"
ssh-keygen -q -t ed25519 -N '' -f /tmp/key
key=$(cut -d' ' -f2 /tmp/key.pub)
# A writer that was killed leaves a -wal and a -shm, which the lookup reads too.
{
    echo 'UPDATE hubgate SET version = version + 1; UPDATE hubgate SET version = version - 1;'
    echo '.shell kill -9 $PPID'
} >/tmp/write
setpriv --reuid hub --regid hub --clear-groups \
    sh -c "sqlite3 /var/lib/hubgate/db/hubgate.db </tmp/write" >/dev/null 2>&1 || true
# On a busy machine, the program can reach its own time limit.
for _ in 1 2 3 4 5 6 7 8; do
    line=$(setpriv --reuid hubgate-keys --regid hubgate-keys --clear-groups \
        strace -qq -o /tmp/trace -e trace=open,openat,openat2,execve,connect \
        /usr/libexec/hubgate/authorized-keys hub ssh-ed25519 "$key") || true
    [ -z "$line" ] || break
done
echo "${line%% *}"
sed -n 's/^[^"]*"\([^"]*\)".* = [0-9].*/\1/p' /tmp/trace | grep -v '^/\(dev\|proc\)/' | sort -u
dpkg_does --purge hubgate

say "after packaging/install.sh"
install -D -m 644 /dev/null /usr/share/hubgate/left
printf '%s\n' usr/share/hubgate/left usr/share/hubgate/installed >/usr/share/hubgate/installed
dpkg_does --install "$package"
ls /usr/share/hubgate
SCRIPT
}

expected() {
    cat <<'EXPECTED'
== install
hubgate: next, as root: hubgate init
installed
git:/var/lib/hubgate:/usr/libexec/hubgate/gateway
hubgate-keys:/:/usr/sbin/nologin
git:*
hubgate-keys:*
/var/lib/hubgate root:root 755
/etc/hubgate/config.toml root:root 644
== upgrade with a changed configuration and data
created the directory /var/lib/hubgate/db
created the directory /var/lib/hubgate/repositories
created the database /var/lib/hubgate/db/hubgate.db
set [hub] host in /etc/hubgate/config.toml
added alice
1
name = "Kept"
host = "hub.test"
alice
== remove
hubgate: sshd refuses the logins of the hub from now on, because of /etc/ssh/sshd_config.d/50-hubgate.conf.
hubgate: To remove this file too, run: rm /etc/ssh/sshd_config.d/50-hubgate.conf && systemctl reload ssh
sshd can start
authorizedkeyscommand /usr/libexec/hubgate/authorized-keys %u %t %k
authorizedkeyscommanduser hubgate-keys
authorizedkeysfile none
no programs
/etc/hubgate/config.toml
/var/lib/hubgate/db/hubgate.db
/var/lib/hubgate/repositories
== purge
hubgate: the repositories and the database stay in /var/lib/hubgate, and the accounts git and hubgate-keys.
hubgate: To delete them, run: rm -r /var/lib/hubgate; userdel git; userdel hubgate-keys
hubgate: To have the next purge delete them, run before it: touch /var/lib/hubgate/delete-on-purge
not-installed
/var/lib/hubgate/db/hubgate.db
2
== reinstall
set [hub] host in /etc/hubgate/config.toml
next: hubgate sshd-config --install, and hubgate doctor to check the setup
alice
== purge that deletes the data
hubgate: deleting /var/lib/hubgate and its accounts, because of /var/lib/hubgate/delete-on-purge
all is gone
== an account git of other software
hubgate: the account git exists and belongs to other software. It stays as it is.
hubgate: To give the hub a login of its own, run: hubgate init --login NAME
hubgate: next, as root: hubgate init
git is as before
set [hub] host in /etc/hubgate/config.toml
set [ssh] login in /etc/hubgate/config.toml
next: hubgate sshd-config --install, and hubgate doctor to check the setup
/var/lib/hubgate/db hub
/var/lib/hubgate/repositories hub
git is as before
/var/lib/hubgate/db hub
git is as before
== what the key lookup opens
restrict,command="/usr/libexec/hubgate/gateway
/etc/hubgate/config.toml
/usr/libexec/hubgate/authorized-keys
/var/lib/hubgate/db/hubgate.db
/var/lib/hubgate/db/hubgate.db-shm
/var/lib/hubgate/db/hubgate.db-wal
hubgate: the repositories and the database stay in /var/lib/hubgate, and the accounts git and hubgate-keys.
hubgate: To delete them, run: rm -r /var/lib/hubgate; userdel git; userdel hubgate-keys
hubgate: To have the next purge delete them, run before it: touch /var/lib/hubgate/delete-on-purge
== after packaging/install.sh
weak-keys
EXPECTED
}

# quick_scripts PACKAGE LATER: the maintainer scripts.
quick_scripts() {
    if ! unshare --mount true 2>/dev/null; then
        echo "skipped: the maintainer scripts, because this machine does not allow a mount namespace"
        return 0
    fi
    mkdir "$work/root" "$work/above"
    in_root >"$work/script"
    # shellcheck disable=SC2016 # the inner shell reads it
    unshare --mount --pid --fork --kill-child sh -euc '
        work=$1
        mount -t tmpfs tmpfs "$work/above"
        mkdir "$work/above/upper" "$work/above/work"
        mount -t overlay -o "lowerdir=/,upperdir=$work/above/upper,workdir=$work/above/work" overlay "$work/root"
        # Other tests change /etc while this one runs. cp fails if a file goes while it copies.
        copy_etc() { rm -rf "$work/above/etc" && cp -a /etc "$work/above/etc"; }
        copy_etc 2>/dev/null || copy_etc 2>/dev/null || copy_etc
        mount --bind "$work/above/etc" "$work/root/etc"
        mount -t tmpfs -o mode=755 tmpfs "$work/root/dev"
        for device in null zero random urandom; do
            touch "$work/root/dev/$device"
            mount --bind "/dev/$device" "$work/root/dev/$device"
        done
        mount -t tmpfs -o mode=1777 tmpfs "$work/root/tmp"
        mount -t tmpfs -o mode=755 tmpfs "$work/root/run"
        cp "$2" "$work/root/package.deb"
        cp "$3" "$work/root/later.deb"
        cp "$work/script" "$work/root/script"
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
            chroot "$work/root" sh -eu /script /package.deb /later.deb
    ' sh "$work" "$1" "$2" >"$work/said" 2>&1 || {
        cat "$work/said"
        return 1
    }
    expected | diff - "$work/said"
}

# The units are hardened, and the AppArmor profile is valid.
quick_hardening() {
    apparmor_parser --skip-kernel-load --skip-cache packaging/apparmor.conf
    for unit in packaging/systemd/hubgate-*.service; do
        case $unit in
        */hubgate-sshd.service) continue ;;
        esac
        exposure=$(systemd-analyze security --offline=true --no-pager "$unit" |
            sed -n 's/^.* Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
        echo "${unit##*/}: exposure $exposure"
        awk -v exposure="${exposure:-10}" 'BEGIN { exit exposure > 3.5 }'
    done
}

# on_system SUITE DIRECTORY: runs tests/package/system.sh on a system with systemd. Its files are in DIRECTORY.
on_system() {
    chroot_of "package-$1" "$1" systemd,systemd-sysv,procps,ca-certificates || return 1
    copy=$work/$1
    mkdir -p "$copy" "$chroots/$1-archives/partial"
    {
        echo "suite=$1"
        cat tests/package/system.sh
    } >"$2/script"
    # shellcheck disable=SC2016 # the inner shell reads it
    unshare --mount --pid --ipc --uts --cgroup --fork --kill-child sh -euc '
        system=$1 copy=$2 shared=$3 archives=$4
        '"$mount_system"'
        mkdir "$root/shared"
        mount --bind "$shared" "$root/shared"
        mount --bind "$archives" "$root/var/cache/apt/archives"
        mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
        mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
        hostname hub
        echo "127.0.0.1 localhost hub hub.test" >"$root/etc/hosts"
        in_root() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"; }
        # The colleague works on the same system. What the package depends on is fetched now, and installed later.
        in_root apt-get update -qq
        in_root apt-get install -y -qq --no-install-recommends git git-lfs openssh-client >/dev/null 2>&1
        in_root sh -c "apt-get install -y -qq --download-only /shared/hubgate_*.deb" >/dev/null
        cat >"$root/etc/systemd/system/trial.service" <<UNIT
[Service]
Type=oneshot
ExecStart=/bin/sh -c "sh /shared/script; echo \$\$? >/shared/status"
StandardOutput=file:/shared/output
StandardError=inherit
UNIT
        mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
        ln -s ../trial.service "$root/etc/systemd/system/multi-user.target.wants/"
        exec unshare --net sh -c "ip link set lo up && \
            exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot $root /lib/systemd/systemd"
    ' sh "$chroots/package-$1" "$copy" "$2" "$chroots/$1-archives" >"$2/systemd" 2>&1 </dev/null &
    system=$!
    trap 'kill -s KILL "$system" 2>/dev/null || true; rm -rf "$work"' EXIT
    for _ in $(seq 1800); do
        if [ -e "$2/status" ] || ! kill -s 0 "$system" 2>/dev/null; then break; fi
        sleep 1
    done
    kill -s KILL "$system" 2>/dev/null || true
    wait "$system" 2>/dev/null || true
    cat "$2/output" 2>/dev/null || cat "$2/systemd"
    [ "$(cat "$2/status" 2>/dev/null)" = 0 ] || {
        echo "FAILED: the package on $1"
        return 1
    }
    python3 tests/package/transcript.py compare "$2/transcript"
}

# A release of the last commit, from two directories with other names and other lengths of their names.
release() {
    if [ ! -x "$cache/bin/cargo-cyclonedx" ]; then
        version=$(sed -n 's/^cyclonedx_version=//p' packaging/release.sh)
        cargo install --quiet --locked --root "$cache" "cargo-cyclonedx@$version"
    fi
    for directory in one another/place; do
        git clone --quiet . "$work/$directory/hubgate"
        (cd "$work/$directory/hubgate" && unset CARGO_TARGET_DIR RUSTFLAGS CFLAGS &&
            PATH=$cache/bin:$PATH sh packaging/release.sh "$work/$directory/out")
        (cd "$work/$directory/out" && sha256sum --check SHA256SUMS)
        rm -rf "$work/$directory/hubgate/target"
    done
    diff "$work/one/out/SHA256SUMS" "$work/another/place/out/SHA256SUMS"
}

# previous DIRECTORY: the package of the last tag. As long as there is none, it has this version's programs under an
# older number, and another configuration file.
previous() {
    mkdir -p "$1"
    if tag=$(git describe --tags --abbrev=0 2>/dev/null); then
        git worktree add --quiet --detach "$work/previous" "$tag"
        built=$(cd "$work/previous" && CARGO_TARGET_DIR=$chroots/previous-target sh packaging/build.sh)
        (cd "$work/previous" && sh packaging/deb.sh "$built" "$1")
        git worktree remove --force "$work/previous"
    else
        mkdir "$work/previous"
        cp -r Cargo.toml ./*.md LICENSE* sshd_config.example packaging "$work/previous/"
        echo "# A setting that is gone." >>"$work/previous/packaging/config.toml"
        (cd "$work/previous" && QUICK=yes VERSION=0.0.1-1 sh packaging/deb.sh "$programs" "$1")
    fi
    rm -rf "$work/previous"
}

# slow SUITE
slow() {
    shared=$work/shared-$1
    mkdir -p "$shared/later"
    package=$(sh packaging/deb.sh "$programs" "$shared")
    QUICK=yes VERSION=99-1 sh packaging/deb.sh "$programs" "$shared/later" >/dev/null
    previous "$shared/previous" >&2
    lintian --allow-root --fail-on error,warning "$package"
    python3 tests/package/transcript.py type >"$shared/typed"
    awk '/^## Upgrade$/ { under = 1 } under && /^```$/ { exit } inside { print } under && /^```sh$/ { inside = 1 }' \
        MOVING.md >"$shared/upgrade"
    on_system "$1" "$shared"
}

# installed_as_listed DIRECTORY [SED]: a directory has what files.sh lists for packages, but not /etc/apparmor.d. SED is
# a script that changes the list to what the package has.
installed_as_listed() {
    (cd "$1" && find . ! -type d | sed 's,^\./,,; s,^\(usr/share/man/.*\)\.gz$,\1,' | grep -v '^usr/share/licenses/' |
        sort) >"$work/found"
    sed "${2:-}" "$work/packaged" | grep -v '^etc/apparmor\.d/' | sort | diff - "$work/found"
}

# The packages that cannot be built here are read by their shells, and their functions run.
others() {
    version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
    sh packaging/files.sh "$programs" "$work/all" package >"$work/packaged"
    zsh='s,zsh/vendor-completions,zsh/site-functions,'

    echo "== RPM"
    rpmbuild -bb --quiet --define "_topdir $work/rpm" --define "source $PWD" --define "programs $programs" \
        packaging/rpm/hubgate.spec
    package=$(find "$work/rpm/RPMS" -name "hubgate-$version-1.*.rpm")
    rpmlint --config packaging/rpm/rpmlint.toml "$package" packaging/rpm/hubgate.spec
    mkdir "$work/rpm-root"
    (cd "$work/rpm-root" && rpm2cpio "$package" | cpio --quiet -i -d)
    installed_as_listed "$work/rpm-root" "$zsh"
    rpm -qp --configfiles "$package" | sort >"$work/config"
    grep -v apparmor packaging/debian/conffiles | diff - "$work/config"

    echo "== SELinux"
    mkdir "$work/selinux"
    cp packaging/selinux/* "$work/selinux/"
    make --silent --directory "$work/selinux" --file /usr/share/selinux/devel/Makefile hubgate.pp
    [ -s "$work/selinux/hubgate.pp" ]

    echo "== Prometheus"
    if [ ! -x "$chroots/promtool" ]; then
        # Only this program of the package. apt reads the directory as an account of its own.
        (cd "$work" && chmod 755 . && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb prometheus)
        cp "$work/prometheus/usr/bin/promtool" "$chroots/promtool"
    fi
    "$chroots/promtool" check rules packaging/alerts.yml

    echo "== AppArmor"
    apparmor_parser --skip-kernel-load --skip-cache packaging/apparmor.conf

    echo "== Arch"
    mkdir "$work/arch-src"
    echo "$programs" >"$work/arch-src/programs"
    bash -euc 'startdir=$PWD/packaging/arch srcdir=$1 pkgdir=$2
        cd packaging/arch && . ./PKGBUILD && bash -n hubgate.install && echo "$pkgver" && package >/dev/null' \
        bash "$work/arch-src" "$work/arch" | grep -qxF "$version"
    mv "$work/arch/usr/share/doc/hubgate/examples/apparmor.conf" "$work/"
    installed_as_listed "$work/arch" "$zsh"

    echo "== Alpine"
    sh -euc 'startdir=$PWD/packaging/alpine srcdir=$1 pkgdir=$2
        . packaging/alpine/APKBUILD && cd "$builddir" && echo "$pkgver" && package >/dev/null' \
        sh "$work/arch-src" "$work/alpine" | grep -qxF "$version"
    installed_as_listed "$work/alpine" "$zsh; \,^usr/lib/,d"
    sh -n packaging/alpine/hubgate.pre-install

    echo "== NixOS"
    for file in packaging/nix/*.nix; do
        nix-instantiate --parse "$file" >/dev/null
    done

    echo "== archive"
    mkdir -p "$work/archive/programs"
    cp -r packaging sshd_config.example Cargo.toml "$work/archive/"
    for program in hubgate authorized-keys gateway services; do
        cp "$programs/$program" "$work/archive/programs/"
    done
    # Neither cargo nor a compiler is in the path.
    mkdir "$work/path"
    for program in sh sed grep sort install mkdir dirname id ln mktemp rm cat chmod rmdir dpkg-query; do
        ln -s "$(command -v "$program")" "$work/path/$program"
    done
    PATH=$work/path sh "$work/archive/packaging/install.sh" "$work/machine"
    [ "$("$work/machine/usr/bin/hubgate" --version)" = "hubgate $version" ]
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    sh "$work/archive/packaging/demo.sh" --once --port "$port" --login "hgarchive$$" | grep -qx ready
    PATH=$work/path sh "$work/archive/packaging/uninstall.sh" "$work/machine"
    [ -z "$(find "$work/machine" ! -type d)" ]
}

if [ "${1:-}" = quick ]; then
    package=$(QUICK=yes sh packaging/deb.sh "$2" "$work")
    later=$(QUICK=yes VERSION=99-1 sh packaging/deb.sh "$2" "$work")
    quick_files "$package" "$2"
    quick_scripts "$package" "$later"
    quick_hardening
    exit
fi
for word in "$@"; do
    case $word in
    bookworm | trixie | others | release) ;;
    *)
        echo "usage: sh tests/package.sh [bookworm|trixie|others|release]... | quick PROGRAMS" >&2
        exit 2
        ;;
    esac
done
if why=$(without_chroot); then
    echo "skipped: $why"
    exit 0
fi
# shellcheck source=packaging/need.sh
. packaging/need.sh
need lintian ip || exit 1
[ "$*" = release ] || programs=$(cd "${HUBGATE_PROGRAMS:-$(sh packaging/build.sh)}" && pwd)
[ "$#" != 0 ] || set -- others bookworm trixie release
for part in "$@"; do
    echo "=== $part"
    case $part in
    release) release ;;
    others)
        need rpmbuild rpmlint cpio make selinux-policy-dev apparmor_parser nix-instantiate || exit 1
        others
        ;;
    *)
        slow "$part"
        echo "=== $part: the package works as README.md says"
        ;;
    esac
done
