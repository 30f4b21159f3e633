#!/bin/sh
# Builds the release programs and prints the directory that contains them.
#
# They are static and position-independent, because a program without run-time linking starts in half the time. The two
# small programs start three times per session. --target keeps the static flag away from build scripts and macros.
set -eu
cd "$(dirname "$0")/.."
host=$(rustc -vV | sed -n 's/^host: //p')
case $host in
*-linux-gnu*) RUSTFLAGS="${RUSTFLAGS:-} -Ctarget-feature=+crt-static" ;;
esac
export RUSTFLAGS="${RUSTFLAGS:-}"
cargo build --release --locked --quiet --bins --target "$host" >&2
echo "${CARGO_TARGET_DIR:-target}/$host/release"
