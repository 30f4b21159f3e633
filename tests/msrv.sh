#!/bin/sh
# Checks that rust-version in Cargo.toml is true, with Debian 13's own cargo, 1.85. No Debian suite carries 1.87.
#
# git2 calls `str::from_utf8`, which is stable since 1.87; its older name is `std::str::from_utf8`. With the older name,
# everything builds with 1.85. So the crate as it is builds with 1.87. The two small programs build with 1.85 as they
# are. Skipped where no Debian 13 can be made. Run as root.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tests/chroot.sh
. tests/chroot.sh

skip() {
    echo "skipped: $1"
    echo "test result: ok. 0 passed; 0 failed; 2 ignored"
    exit 0
}

if why=$(without_chroot); then
    skip "$why"
fi
grep -qx 'rust-version = "1.87"' Cargo.toml || {
    echo "Cargo.toml states another rust-version than this check shows: 1.87"
    echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
    exit 1
}
chroot_of msrv trixie cargo,gcc,libc6-dev,ca-certificates || skip "no Debian 13 could be made"

# One cache for all checkouts: each stands in the system under its own path, so cargo does not take one for another.
mkdir -p "$chroots/msrv-cargo" "$chroots/msrv-target"
root=$chroots/msrv
mkdir -p "$root$PWD" "$root/cargo" "$root/target"

# All mounts are in a namespace of this run's own and end with it.
checked() {
    # shellcheck disable=SC2016 # read by the inner shell
    unshare --mount --pid --fork --kill-child sh -euc '
        root=$1 chroots=$2
        shift 2
        mount --rbind "$PWD" "$root$PWD"
        mount -o remount,bind,ro "$root$PWD"
        mount --bind "$chroots/msrv-cargo" "$root/cargo"
        mount --bind "$chroots/msrv-target" "$root/target"
        mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
        exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CARGO_HOME=/cargo CARGO_TARGET_DIR=/target \
            CARGO_TERM_COLOR=never CARGO_INCREMENTAL=1 \
            chroot "$root" sh -euc "cd \"\$1\"; shift; exec \"\$@\"" sh "$PWD" "$@"
    ' sh "$root" "$chroots" "$@"
}

passed=0
failed=0
# cargo_check NAME WORD...
cargo_check() {
    name=$1
    shift
    if checked "$@"; then
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        failed=$((failed + 1))
    fi
}

cargo_check "all targets with Rust 1.87" env "RUSTC_WRAPPER=$PWD/tests/msrv-rustc.sh" \
    cargo check --quiet --locked --ignore-rust-version --all-targets
cargo_check "the two small programs with Rust 1.85" \
    cargo check --quiet --locked --ignore-rust-version --no-default-features --lib --bins

verdict=ok
[ "$failed" -eq 0 ] || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ "$failed" -eq 0 ]
