# shellcheck shell=sh
# Bare Debian systems for the tests, kept in the cache. Sourced by the scripts that need one.

# Where systems and what is built in them are kept between runs.
chroots=/var/cache/hubgate-tools/chroots

# without_chroot: prints why no Debian system can be made here, and fails if one can.
without_chroot() {
    if [ "$(id -u)" != 0 ]; then
        echo "only root can make a Debian system"
    elif ! command -v debootstrap >/dev/null; then
        echo "debootstrap is not installed"
    elif ! unshare --mount true 2>/dev/null; then
        echo "this machine does not allow a mount namespace"
    else
        return 1
    fi
}

# The mirrors that this machine's apt uses: mirror Debian|Debian-Security
mirror() {
    # shellcheck disable=SC2016 # apt's own words, not the shell's
    found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Label: $1" 2>/dev/null | head -n 1)
    case $1 in
    Debian) echo "${found:-http://deb.debian.org/debian/}" ;;
    *) echo "${found:-http://deb.debian.org/debian-security/}" ;;
    esac
}

# chroot_of NAME SUITE [PACKAGES]: makes a minimal system of a suite with PACKAGES (with commas) in the cache, unless it
# is there. It appears under its name when it is whole, so a run that is cut off leaves no half of one.
chroot_of() {
    mkdir -p "$chroots"
    # Two runs do not make the same system at once.
    exec 9>"$chroots/lock"
    flock 9
    if [ ! -d "$chroots/$1" ]; then
        rm -rf "$chroots/$1.new"
        echo "making a Debian $2 in $chroots/$1" >&2
        if ! nice debootstrap --variant=minbase ${3:+"--include=$3"} "$2" "$chroots/$1.new" "$(mirror Debian)" \
            >"$chroots/$1.log" 2>&1; then
            tail -n 3 "$chroots/$1.log" >&2
            exec 9>&-
            return 1
        fi
        cat >"$chroots/$1.new/etc/apt/sources.list" <<SOURCES
deb $(mirror Debian) $2 main
deb $(mirror Debian) $2-updates main
deb $(mirror Debian-Security) $2-security main
SOURCES
        # The authorities that this machine adds to Debian's are part of its way to the network.
        mkdir -p "$chroots/$1.new/usr/local/share/ca-certificates"
        cp -r /usr/local/share/ca-certificates/. "$chroots/$1.new/usr/local/share/ca-certificates/"
        chroot "$chroots/$1.new" sh -c '! command -v update-ca-certificates >/dev/null || update-ca-certificates' \
            >>"$chroots/$1.log" 2>&1
        rm -rf "$chroots/$1.new/var/cache/apt/archives"/*.deb
        mv "$chroots/$1.new" "$chroots/$1"
    fi
    exec 9>&-
}

# Commands that mount a throw-away copy of the system $system on $copy/root, whose path they put in $root. Nothing of it
# is written to disk. They run in a mount namespace of their own, which ends the mounts.
# shellcheck disable=SC2016,SC2034 # an inner shell reads it
mount_system='
    root=$copy/root
    mkdir -p "$root" "$copy/above"
    mount -t tmpfs tmpfs "$copy/above"
    mkdir "$copy/above/upper" "$copy/above/work"
    mount -t overlay -o "lowerdir=$system,upperdir=$copy/above/upper,workdir=$copy/above/work" overlay "$root"
    mount -t proc proc "$root/proc"
    mount -t sysfs -o ro sysfs "$root/sys"
    mount -t tmpfs -o mode=755 tmpfs "$root/dev"
    mkdir "$root/dev/pts" "$root/dev/shm"
    for device in null zero full random urandom tty; do
        touch "$root/dev/$device"
        mount --bind "/dev/$device" "$root/dev/$device"
    done
    mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    ln -s /proc/self/fd/0 "$root/dev/stdin"
    ln -s /proc/self/fd/1 "$root/dev/stdout"
    ln -s /proc/self/fd/2 "$root/dev/stderr"
    mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t tmpfs -o mode=755 tmpfs "$root/run"
    cat /etc/resolv.conf >"$root/etc/resolv.conf"
'
