#!/bin/sh
# Runs the tests on mutants of the code, as cargo-mutants lists them: changes such as `==` to `!=`, which a test should
# notice. Prints a line of numbers for each module and the mutants that no test noticed. It takes hours, so no other
# script runs it. Run as root.
#
#   tests/mutants.sh MODULE...        # such as gateway, services, db, repository, git, session_limits, sandbox
#
# All mutants are built at once, each behind a switch (see tests/mutants/). The unit tests run first, then the suites in
# SUITES, each on the mutants that no earlier suite has caught. Only tests that reach a mutant run on it. At most MOST
# end-to-end tests run on a mutant, the quickest first.
#
# The results stay in WORK. A run with the same WORK and REBUILD=no continues where the last one ended.
#
# Mutants run as root and may do anything. So they run in a namespace of processes of their own, on an overlay of the
# file system that is forgotten at the end. They can reach the network.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=packaging/need.sh
. packaging/need.sh
need_root || exit 1
need_cargo || exit 1
need unshare git strip || exit 1
[ $# -gt 0 ] || {
    sed -n 's/^#   //p' "$0" >&2
    exit 2
}

cache=/var/cache/hubgate-tools
cargo_mutants_version=27.1.0
PATH="$cache/bin:$PATH"
WORK=${WORK:-/var/tmp/hubgate-mutants}
SUITES=${SUITES-sandbox exchanges e2e}
MOST=${MOST:-60}
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export CARGO_TARGET_DIR

# apart COMMAND...: runs a command on an overlay of the file system, with process ids of its own. $WORK is shared.
apart() {
    # shellcheck disable=SC2016 # the inner shell reads it
    unshare --mount --pid --fork --kill-child sh -euc '
        work=$1
        shift
        mkdir -p "$work/apart"
        mount -t tmpfs tmpfs "$work/apart"
        cd "$work/apart"
        mkdir changes scratch root packages
        mount -t overlay -o "lowerdir=/,upperdir=$PWD/changes,workdir=$PWD/scratch" overlay root
        mount --rbind /dev root/dev
        mount --rbind /sys root/sys
        mount -t proc proc root/proc
        mount -t tmpfs -o mode=1777 tmpfs root/tmp
        mount -t tmpfs -o mode=755 tmpfs root/run
        # Test runs outside keep directories there, which the suite would clear away.
        mount --bind /var/lib/dpkg packages
        mount -t tmpfs -o mode=755 tmpfs root/var/lib
        mkdir root/var/lib/dpkg
        mount --bind -o ro packages root/var/lib/dpkg
        mount --bind "$work" "root$work"
        exec chroot root "$@"
    ' sh "$WORK" "$@"
}

command -v cargo-mutants >/dev/null ||
    cargo install --quiet --locked --root "$cache" "cargo-mutants@$cargo_mutants_version"
cargo build --quiet --locked --release --manifest-path tests/mutants/Cargo.toml
mkdir -p "$WORK"
cp "$CARGO_TARGET_DIR/release/hubgate-mutants" "$WORK/run"

patterns=
for module in "$@"; do
    patterns="$patterns src/$module.rs src/$module/**"
done
if [ "${REBUILD:-yes}" = yes ]; then
    # A pattern must not become the files that it matches.
    set -f
    # shellcheck disable=SC2086
    "$WORK/run" build "$WORK" $patterns
    set +f
fi
for suite in unit $SUITES; do
    case $suite in
    e2e) apart nice "$WORK/run" run "$WORK" "$suite" '' "$MOST" ;;
    *) apart nice "$WORK/run" run "$WORK" "$suite" ;;
    esac
done
"$WORK/run" report "$WORK"
