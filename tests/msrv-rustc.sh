#!/bin/bash
# The compiler for tests/msrv.sh: Rust 1.85, and git2 with the one function of 1.87 that it calls under its older name.
# In bash: dash drops variables such as CARGO_BIN_EXE_authorized-keys.
set -eu
case " $* " in
*" --crate-name git2 "*) ;;
*) exec "$@" ;;
esac
aside=$(mktemp -d)
trap 'rm -rf "$aside"' EXIT
cp -r "$CARGO_MANIFEST_DIR/." "$aside"
sed -i 's/\([^:]\)\bstr::from_utf8(/\1std::str::from_utf8(/' "$aside/src/blame.rs"
count=$#
while [ "$count" -gt 0 ]; do
    argument=$1
    shift
    case $argument in
    */src/lib.rs | src/lib.rs) argument=$aside/src/lib.rs ;;
    esac
    set -- "$@" "$argument"
    count=$((count - 1))
done
"$@"
