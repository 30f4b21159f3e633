#!/bin/sh
# Installs what the tests need, then runs everything; the last line counts. Run as root on Debian 12.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=packaging/need.sh
. packaging/need.sh
need_root || exit 1
need_cargo || exit 1
need sshd ssh ssh-keygen git git-lfs cc useradd getent shellcheck sqlite3 strace mandoc python3 fail2ban-regex || exit 1

# Tools that cargo builds are kept between runs.
tools=/var/cache/hubgate-tools
deny_version=0.20.2
fuzz_version=0.13.2
PATH="$tools/bin:$PATH"
# One place for all that is built, so that the fuzz targets' tests share what the others built.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR
export CARGO_TERM_COLOR=never

# Fuzzing comes last and takes what is left of these minutes, at the most.
minutes=14
began=$(date +%s)

passed=0
failed=0
skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# check NAME COMMAND...: runs a command that counts as one test.
check() {
    name=$1
    shift
    echo "== $name"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
}

# suite NAME COMMAND...: runs a command whose "test result:" lines count the tests.
suite() {
    name=$1
    shift
    echo "== $name"
    # The status is written beside the output: sh has no pipefail.
    { "$@" 2>&1 || echo "suite ended with $?"; } | tee "$log"
    counts=$(sed -n 's/^test result: [a-zA-Z]*\. \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*/\1 \2 \3/p' "$log")
    while read -r suite_passed suite_failed suite_skipped; do
        passed=$((passed + ${suite_passed:-0}))
        failed=$((failed + ${suite_failed:-0}))
        skipped=$((skipped + ${suite_skipped:-0}))
    done <<EOF
$counts
EOF
    if grep -q '^suite ended with' "$log" || [ -z "$counts" ]; then
        failed=$((failed + 1))
        echo "FAILED: $name"
    fi
}

# skip NAME WHY
skip() {
    echo "== $1: skipped: $2"
    skipped=$((skipped + 1))
}

scripts() {
    shellcheck -x packaging/*.sh tests/*.sh fuzz/*.sh .ci/run
}

man_pages() {
    mandoc -T lint -W error packaging/man/*.?
}

small_programs() {
    ! cargo tree --locked --no-default-features --edges normal --prefix none |
        grep -E '^(clap|git2|libgit2-sys|openssl|rustls|hyper|tokio|regex|serde_json) '
}

build() {
    built=$(sh packaging/build.sh)
}

sizes() {
    # The small programs hold nothing of the operator's.
    for program in authorized-keys gateway; do
        size=$(stat -c %s "$built/$program")
        echo "$program: $size bytes"
        [ "$size" -lt 3000000 ] || return 1
        ! grep -q 'libgit2\|clap_builder' "$built/$program" || return 1
    done
}

demo() {
    "$built/hubgate" demo --once --port "$1" --login "hgdemo$$" >"$log" 2>&1 || {
        cat "$log"
        return 1
    }
    grep -qx ready "$log"
}

if [ ! -x "$tools/bin/cargo-deny" ]; then
    cargo install --quiet --locked --root "$tools" "cargo-deny@$deny_version"
fi
# Fuzzing needs what only a nightly compiler has.
if cargo +nightly --version >/dev/null 2>&1; then
    nightly=yes
    [ -x "$tools/bin/cargo-fuzz" ] || cargo install --quiet --locked --root "$tools" "cargo-fuzz@$fuzz_version"
else
    nightly=no
fi

check "format" cargo fmt --check
check "clippy" cargo clippy --quiet --locked --all-targets -- --deny warnings
check "clippy of the small programs alone" \
    cargo clippy --quiet --locked --no-default-features --lib --bins -- --deny warnings
suite "unit and property tests" cargo test --quiet --locked --lib
suite "man pages, completions and SECURITY.md in step" cargo test --quiet --locked --test generated --test promises
suite "the box" cargo test --quiet --locked --test sandbox
suite "the database under fire" cargo test --quiet --locked --test crash
suite "git-lfs-transfer on the wire" cargo test --quiet --locked --test exchanges
if ! sh tests/git-lfs.sh "$tools/git-lfs"; then
    echo "newer git-lfs is not to be had: their tests are skipped"
fi
suite "end to end" cargo test --quiet --locked --test e2e
suite "the corpora of the fuzz targets" cargo test --quiet --locked --manifest-path fuzz/Cargo.toml
check "documentation" env RUSTDOCFLAGS="--deny warnings" cargo doc --quiet --locked --no-deps --document-private-items
check "bans, licenses, sources" cargo deny --log-level error check bans licenses sources
if [ -d "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" ]; then
    check "advisories" cargo deny --log-level error check --disable-fetch advisories
else
    skip "advisories" "no advisory database at hand"
fi
check "shellcheck" scripts
check "mandoc" man_pages
check "the small programs link nothing of the operator's" small_programs
check "release build" build
check "sizes" sizes
check "the demo" demo 2322
if [ "$nightly" = yes ]; then
    suite "each fuzz target for 20 seconds" \
        env CARGO_TARGET_DIR="$tools/fuzz-target" FUZZ_UNTIL=$((began + minutes * 60)) sh fuzz/run.sh 20
else
    skip "each fuzz target for 20 seconds" "no nightly toolchain: their corpora ran as ordinary tests"
fi

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
