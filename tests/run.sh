#!/bin/sh
# Installs what the tests need, then runs everything. The last line counts. Run as root on Debian 12 or newer.
#
# Two lanes of steps run side by side, since most steps leave a processor idle: one lane has what cargo's debug build is
# for, and fuzzes beside its later steps. The other lane has what packaging/build.sh ships, and its end-to-end suite.
# Each step prints its output when it ends.
#
# The end-to-end suite runs as a whole on the shipped programs. A part of it runs on the debug build too, whose overflow
# checks and debug assertions the shipped programs do not have.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=packaging/need.sh
. packaging/need.sh
need_root || exit 1
need_cargo || exit 1
need sshd ssh ssh-keygen git git-lfs cc useradd getent shellcheck sqlite3 strace mandoc python3 fail2ban-regex \
    debootstrap lintian systemd-analyze apparmor_parser cgit gitolite || exit 1

# Tools and builds are kept between runs.
cache=/var/cache/hubgate-tools
deny_version=0.20.2
fuzz_version=0.13.2
PATH="$cache/bin:$PATH"
# A fresh clone finds its dependencies built. Two runs at once wait for each other's builds and copy what they run.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$cache/target}
export CARGO_TARGET_DIR
export CARGO_TERM_COLOR=never
# Tests set the mode of each file that they make, where it matters.
umask 022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM
mkdir "$work/programs" "$work/debug" "$work/logs"
# Login accounts of the tests run the programs too.
chmod 755 "$work" "$work/programs" "$work/debug"
mkdir -p "$CARGO_TARGET_DIR"
began=$(date +%s)

# report NAME LOG PASSED FAILED SKIPPED SINCE: prints a step that has ended, and counts it.
report() {
    {
        flock 9
        echo "== $1 ($(($(date +%s) - $6)) s, $(sed -n "2s/ / + /p" "$2.times" 2>/dev/null))"
        cat "$2"
        [ "$4" -eq 0 ] || echo "FAILED: $1"
        echo "$3 $4 $5" >>"$work/counts"
    } 9>"$work/lock"
}

# step LOG COMMAND...: runs a command with its output in a file, and returns its status.
step() {
    step_log=$1
    shift
    if (
        if "$@" >"$step_log" 2>&1 </dev/null; then status=0; else status=1; fi
        times >"$step_log.times"
        exit "$status"
    ); then return 0; else return 1; fi
}

# check NAME COMMAND...: runs a command that counts as one test.
check() {
    name=$1
    log=$(mktemp "$work/logs/XXXXXX")
    since=$(date +%s)
    shift
    if step "$log" "$@"; then report "$name" "$log" 1 0 0 "$since"; else report "$name" "$log" 0 1 0 "$since"; fi
}

# suite NAME COMMAND...: runs a command whose "test result:" lines count the tests. A test that failed counts once; a
# suite that failed without saying which test did counts as one.
suite() {
    name=$1
    log=$(mktemp "$work/logs/XXXXXX")
    since=$(date +%s)
    shift
    if step "$log" "$@"; then ended=0; else ended=1; fi
    result='^test result: [a-zA-Z]*\. \([0-9]*\) passed; \([0-9]*\) failed; \([0-9]*\) ignored.*'
    counts=$(sed -n "s/$result/\1 \2 \3/p" "$log")
    suite_passed=0
    suite_failed=0
    suite_skipped=0
    while read -r one two three; do
        suite_passed=$((suite_passed + ${one:-0}))
        suite_failed=$((suite_failed + ${two:-0}))
        suite_skipped=$((suite_skipped + ${three:-0}))
    done <<COUNTS
$counts
COUNTS
    if [ "$suite_failed" -eq 0 ] && { [ "$ended" -ne 0 ] || [ "$((suite_passed + suite_skipped))" -eq 0 ]; }; then
        suite_failed=1
    fi
    report "$name" "$log" "$suite_passed" "$suite_failed" "$suite_skipped" "$since"
}

# skip NAME WHY
skip() {
    echo "skipped: $2" >"$work/logs/skip"
    report "$1" "$work/logs/skip" 0 0 1 "$(date +%s)"
}

scripts() {
    shellcheck -x packaging/*.sh packaging/debian/p* tests/*.sh fuzz/*.sh .ci/run
}

man_pages() {
    mandoc -T lint -W error packaging/man/*.?
}

small_programs() {
    ! cargo tree --locked --no-default-features --edges normal --prefix none |
        grep -E '^(clap|git2|libgit2-sys|openssl|rustls|hyper|tokio|regex|serde_json) '
}

# The debug build of the programs and of every suite; copies both, and writes the suites' paths into files by name.
debug_build() {
    # shellcheck disable=SC2016 # the inner shell reads it
    flock "$CARGO_TARGET_DIR/hubgate.lock" sh -euc '
        work=$1
        cargo test --locked --no-run >"$work/built" 2>&1 || { cat "$work/built"; exit 1; }
        for program in authorized-keys gateway services hubgate; do
            cp "$CARGO_TARGET_DIR/debug/$program" "$work/debug/"
        done
        sed -n "s/^ *Executable \(unittests \)*\([^ ]*\) (\(.*\))$/\2 \3/p" "$work/built" |
            while read -r source program; do
                cp "$program" "$work/$(echo "$source" | sed "s,^tests/,,; s,/main,,; s,\.rs$,,; s,/,-,g")"
            done' sh "$work"
}

shipped_build() {
    # shellcheck disable=SC2016 # the inner shell reads it
    flock "$CARGO_TARGET_DIR/hubgate-shipped.lock" sh -euc '
        built=$(sh packaging/build.sh)
        for program in authorized-keys gateway services hubgate; do
            cp "$built/$program" "$1/programs/"
        done' sh "$work"
}

sizes() {
    # The small programs hold nothing of the operator's program, and no part of glibc that loads name service modules.
    for program in authorized-keys gateway services; do
        file=$work/programs/$program
        size=$(stat -c %s "$file")
        echo "$program: $size bytes"
        ! grep -q 'libnss_' "$file" || return 1
        # Static and position-independent.
        readelf -h "$file" | grep -q 'Type: *DYN' || return 1
        ! readelf -d "$file" | grep -q NEEDED || return 1
        [ "$program" != services ] || continue
        [ "$size" -lt 3000000 ] || return 1
        ! grep -q 'libgit2\|clap_builder' "$file" || return 1
    done
}

demo() {
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$work/programs/hubgate" demo --once --port "$port" --login "hgdemo$$" || return 1
}

demo_is_ready() {
    demo >"$work/demo" 2>&1 || {
        cat "$work/demo"
        return 1
    }
    grep -qx ready "$work/demo"
}

# end_to_end DIRECTORY [WORD...]: the end-to-end suite on the programs in a directory.
end_to_end() {
    HUBGATE_PROGRAMS=$1
    export HUBGATE_PROGRAMS
    shift
    "$work/e2e" "$@"
}

# What only a debug build's checks can find: each program, the grammar of commands, and LFS on the wire.
debug_part() {
    HUBGATE_PROGRAMS=$work/debug
    export HUBGATE_PROGRAMS
    for part in 'greeting:' 'hostile:' 'histories: a refused ref' 'lfs: locks:'; do
        "$work/e2e" --test-threads 6 "$part" || return 1
    done
    "$work/exchanges"
}

crash() {
    HUBGATE_PROGRAMS=$work/programs "$work/crash"
}

exchanges() {
    HUBGATE_PROGRAMS=$work/programs "$work/exchanges"
}

clients() {
    HUBGATE_PROGRAMS=$work/programs sh tests/clients.sh quick
}

if [ ! -x "$cache/bin/cargo-deny" ]; then
    cargo install --quiet --locked --root "$cache" "cargo-deny@$deny_version"
fi
# Fuzzing needs what only a nightly compiler has.
if cargo +nightly --version >/dev/null 2>&1; then
    nightly=yes
    [ -x "$cache/bin/cargo-fuzz" ] || cargo install --quiet --locked --root "$cache" "cargo-fuzz@$fuzz_version"
else
    nightly=no
fi
if ! sh tests/git-lfs.sh "$cache/git-lfs"; then
    echo "no newer git-lfs can be fetched: their tests are skipped"
fi

# All other steps go first, and five targets run at once in the time that they leave. Each line of the output says how
# much of a processor its target had.
fuzzing() {
    if [ "$nightly" = yes ]; then
        suite "each fuzz target for 10 seconds" \
            env CARGO_TARGET_DIR="$cache/fuzz-target" FUZZ_JOBS=5 nice sh fuzz/run.sh 10
    else
        # Fuzzing begins with the corpora, so they run as tests only where it cannot.
        suite "the corpora of the fuzz targets" cargo test --quiet --locked --manifest-path fuzz/Cargo.toml
        skip "each fuzz target for 10 seconds" "no nightly toolchain: the corpora ran as ordinary tests"
    fi
}

lane_debug() {
    check "debug build" debug_build
    check "format" cargo fmt --check
    check "clippy" cargo clippy --quiet --locked --all-targets -- --deny warnings
    check "clippy of the small programs alone" \
        cargo clippy --quiet --locked --no-default-features --lib --bins -- --deny warnings
    check "documentation" env RUSTDOCFLAGS="--deny warnings" \
        cargo doc --quiet --locked --no-deps --document-private-items
    fuzzing &
    fuzzing=$!
    suite "unit and property tests" "$work/src-lib" --include-ignored
    suite "man pages and completions in step" "$work/generated"
    suite "SECURITY.md in step" "$work/promises"
    suite "the sandbox" "$work/sandbox"
    check "bans, licenses, sources" cargo deny --log-level error check bans licenses sources
    if [ -d "${CARGO_HOME:-$HOME/.cargo}/advisory-dbs" ]; then
        check "advisories" cargo deny --log-level error check --disable-fetch advisories
    else
        skip "advisories" "no advisory database at hand"
    fi
    suite "the stated Rust version" sh tests/msrv.sh
    check "shellcheck" scripts
    check "prose" sh tests/prose.sh
    check "mandoc" man_pages
    check "the small programs link nothing of the operator's" small_programs
    : >"$work/debug-done"
    # The rest of what the shipped programs do, beside the end-to-end suite.
    until [ -e "$work/shipped-done" ]; do
        sleep 1
    done
    suite "git clients of other projects, on the shipped programs" clients
    suite "git-lfs-transfer on the wire, on the shipped programs" exchanges
    suite "the database under fire, on the shipped programs" crash
    check "the demo" demo_is_ready
    suite "end to end in part, on the debug build" debug_part
    wait "$fuzzing"
}

lane_shipped() {
    check "release build" shipped_build
    : >"$work/shipped-done"
    check "sizes" sizes
    check "the Debian package" sh tests/package.sh quick "$work/programs"
    until [ -e "$work/e2e" ] || [ -e "$work/debug-done" ]; do
        sleep 1
    done
    suite "end to end, on the shipped programs" end_to_end "$work/programs" --test-threads 6
}

lane_debug &
debug=$!
lane_shipped &
shipped=$!
wait "$debug" "$shipped"

passed=0
failed=0
skipped=0
while read -r one two three; do
    passed=$((passed + one))
    failed=$((failed + two))
    skipped=$((skipped + three))
done <"$work/counts"
echo
echo "took $(($(date +%s) - began)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
