#!/bin/sh
# Fuzzes each target for so many seconds, beginning with its corpus; where cargo-fuzz cannot work, the corpora run as
# ordinary tests, and that is said. A line a target, and the last line counts.
#
#   fuzz/run.sh SECONDS [TARGET...]
#
# The tree is left alone: new inputs gather under the target directory, from run to run, and so does what a target
# panics on. FUZZ_SANITIZER=address looks for errors of memory too, at half the speed.
set -eu
cd "$(dirname "$0")"

seconds=${1:?"usage: run.sh SECONDS [TARGET...]"}
shift
case $seconds in
*[!0-9]* | 0) echo "run.sh: SECONDS is a number above 0" >&2 && exit 2 ;;
esac

sanitizer=${FUZZ_SANITIZER:-none}
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export CARGO_TARGET_DIR
# Tools that cargo builds are kept between runs.
PATH=/var/cache/hubgate-tools/bin:$PATH
found=$CARGO_TARGET_DIR/fuzz
mkdir -p "$found"
log=$found/log

passed=0
failed=0

# can_fuzz: whether the nightly toolchain and cargo-fuzz are there; says what is missing.
can_fuzz() {
    cargo +nightly --version >/dev/null 2>&1 || { echo "no nightly toolchain" && return 1; }
    cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "no cargo-fuzz" && return 1; }
}

# corpora: every file of every corpus through its target, on whatever toolchain there is.
corpora() {
    if cargo test --quiet --test corpus -- "$@" >"$log" 2>&1; then status=0; else status=$?; fi
    sed -n 's/^test \([a-z_]*\) *\.\.\. \(.*\)/\1: \2 (corpus only)/p' "$log"
    counts=$(sed -n 's/^test result: [a-zA-Z]*\. \([0-9]*\) passed; \([0-9]*\) failed;.*/\1 \2/p' "$log")
    passed=${counts% *}
    failed=${counts#* }
    if [ -z "$counts" ] || [ "$status" -ne 0 ]; then
        cat "$log"
        [ "${failed:-0}" -gt 0 ] || failed=1
    fi
}

# fuzz TARGET: one target, one line.
fuzz() {
    target=$1
    mkdir -p "$found/$target/corpus"
    if "$binaries/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$found/$target/" "$found/$target/corpus" "corpus/$target" >"$log" 2>&1; then
        stat() { sed -n "s/^stat::$1: *//p" "$log"; }
        coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
        echo "$target: ok, $(stat number_of_executed_units) inputs," \
            "$(stat average_exec_per_sec) a second, $coverage edges"
        passed=$((passed + 1))
    else
        echo "$target: FAILED"
        # The panic and the input, without the tables that libFuzzer prints around them.
        grep -a -A 4 -e 'panicked at' -e '^==[0-9]*== ERROR' -e '^Test unit written' "$log" || tail -5 "$log"
        failed=$((failed + 1))
    fi
}

if why=$(can_fuzz); then
    if ! cargo +nightly fuzz build --fuzz-dir . --sanitizer "$sanitizer" --features libfuzzer >"$log" 2>&1; then
        cat "$log"
        echo "0 passed, 1 failed"
        exit 1
    fi
    binaries=$CARGO_TARGET_DIR/$(rustc +nightly -vV | sed -n 's/^host: //p')/release
    if [ $# -eq 0 ]; then
        cd corpus
        set -- *
        cd ..
    fi
    for target in "$@"; do
        fuzz "$target"
    done
else
    echo "run.sh: $why: the corpora run as ordinary tests, nothing is fuzzed"
    corpora "$@"
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
