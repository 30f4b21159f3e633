#!/bin/sh
# Runs README.md's commands on a bare Debian, word for word, as a new user's root does.
#
#   sh tests/bare.sh [--whole] [bookworm|trixie]...      both unless named; --whole runs the whole of tests/run.sh
#
# The system is a copy that is gone at the end. On bookworm the Rust toolchain is this machine's, where rustup puts it;
# on trixie it is Debian's cargo-web. All mounts and processes are in namespaces of the run, and end with it.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/chroot.sh
. tests/chroot.sh

# The command of README that a chroot cannot run, because no systemd reloads ssh there.
cannot='systemctl reload ssh'
# The first checks of tests/run.sh end with this line.
first_checks='== format'

whole=no
suites=
for word in "$@"; do
    case $word in
    --whole) whole=yes ;;
    bookworm | trixie) suites="$suites $word" ;;
    *)
        echo "usage: sh tests/bare.sh [--whole] [bookworm|trixie]..." >&2
        exit 2
        ;;
    esac
done
if why=$(without_chroot); then
    echo "skipped: $why"
    exit 0
fi

# commands HEADING: the commands of the shell blocks under a heading of README.md, without their comments.
commands() {
    awk -v heading="$1" '
        /^##/ && substr($0, index($0, " ") + 1) == heading { under = 1; next }
        under && !inside && /^#/ { exit }
        under && /^ *```sh$/ { inside = 1; next }
        inside && /^ *```$/ { inside = 0; next }
        inside { sub(/^ +/, ""); sub(/ +# .*$/, ""); print }
    ' README.md
}

# in_system SUITE TOOLCHAIN SCRIPT: runs a script in a throw-away copy of a suite's system, with this tree in
# /root/hubgate.
in_system() {
    copy=$(mktemp -d "$chroots/run.XXXXXX")
    trap 'rm -rf "$copy"' EXIT
    trap 'exit 129' HUP INT TERM
    mkdir -p "$chroots/$1-target" "$chroots/$1-cargo" "$chroots/$1-archives/partial"
    # The tree as it would be committed: no build directory, no file that git ignores.
    git ls-files -z --cached --others --exclude-standard | tar -c --null --ignore-failed-read -T - >"$copy/tree.tar"
    printf '%s\n' "$3" >"$copy/script"
    # shellcheck disable=SC2016 # read by the inner shell
    unshare --mount --pid --ipc --uts --fork --kill-child sh -euc '
        system=$1 copy=$2 kept=$3 toolchain=$4
        '"$mount_system"'
        mkdir -p "$root/root/hubgate/target" "$root/root/.cargo"
        tar -x -C "$root/root/hubgate" -f "$copy/tree.tar"
        mount --bind "$kept-target" "$root/root/hubgate/target"
        mount --bind "$kept-cargo" "$root/root/.cargo"
        mount --bind "$kept-archives" "$root/var/cache/apt/archives"
        cp "$copy/script" "$root/root/script"
        path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        if [ -n "$toolchain" ]; then
            mkdir -p "$root/root/.rustup/toolchain"
            mount --bind "$toolchain" "$root/root/.rustup/toolchain"
            mount -o remount,bind,ro "$root/root/.rustup/toolchain"
            path=/root/.rustup/toolchain/bin:$path
        fi
        cd "$root/root/hubgate"
        exec env -i PATH="$path" HOME=/root TERM=dumb LANG=C.UTF-8 \
            chroot "$root" sh -c "cd /root/hubgate && exec sh -eu ../script"
    ' sh "$chroots/$1" "$copy" "$chroots/$1" "$2" && status=0 || status=$?
    rm -rf "$copy"
    trap - EXIT HUP INT TERM
    return "$status"
}

# script_of SUITE: all that is done on one system, for its shell.
script_of() {
    if [ "$1" = trixie ]; then
        cat <<'SCRIPT'
# Without cargo each script says so in one sentence.
for script in demo install; do
    said=$(sh packaging/$script.sh 2>&1) && exit 1
    echo "$said"
    [ "$(echo "$said" | wc -l)" = 1 ]
done
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends cargo-web ca-certificates >/dev/null
SCRIPT
    else
        # rustup is fetched by curl, over TLS.
        cat <<'SCRIPT'
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ca-certificates >/dev/null
SCRIPT
    fi
    # README's apt-get asks before it installs.
    echo "echo 'APT::Get::Assume-Yes \"true\";' >/etc/apt/apt.conf.d/90yes"
    { commands "Try it" && commands "From a source tree"; } | while IFS= read -r command; do
        printf "printf '\\\\n# %%s\\\\n' '%s'\n" "$command"
        case $command in
        "$cannot" | "systemctl "*) echo "echo 'cannot run here: no systemd'" ;;
        # Runs until Ctrl-C: gets one when it is ready.
        "sh packaging/demo.sh")
            cat <<SCRIPT
mkfifo /tmp/said
setsid $command >/tmp/said &
demo=\$!
# Reads on after the first match: the demo writes more.
{ grep -m 1 -x ready && kill -s INT -- -\$demo && cat; } </tmp/said
wait \$demo
SCRIPT
            ;;
        "sh tests/run.sh")
            if [ "$whole" = yes ]; then
                echo "$command"
            else
                cat <<SCRIPT
mkfifo /tmp/checks
setsid $command >/tmp/checks 2>&1 &
checks=\$!
reached=no
while IFS= read -r line; do
    echo "\$line"
    case \$line in
    *FAILED*) break ;;
    "$first_checks"*) reached=yes && break ;;
    esac
done </tmp/checks
kill -s TERM -- -\$checks
wait \$checks || true
[ \$reached = yes ]
SCRIPT
            fi
            ;;
        # Findings are expected, because no sshd runs here. A fault is not.
        "hubgate doctor"*) echo "$command || [ \$? = 1 ]" ;;
        *) echo "$command" ;;
        esac
    done
}

for suite in ${suites:-bookworm trixie}; do
    chroot_of "$suite" "$suite"
    toolchain=
    [ "$suite" != bookworm ] || toolchain=$(rustc --print sysroot)
    echo "=== $suite"
    in_system "$suite" "$toolchain" "$(script_of "$suite")" || {
        echo "FAILED: README's commands on a bare $suite"
        exit 1
    }
    echo "=== $suite: each of README's commands works"
done
