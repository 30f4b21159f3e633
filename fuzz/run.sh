#!/bin/sh
# Fuzzes each target for SECONDS, starting from its corpus. As many targets run at once as there are processors. Without
# a nightly toolchain and cargo-fuzz, the corpora run as ordinary tests, and the script says so. It prints one line per
# target and a last line with the totals.
#
#   fuzz/run.sh SECONDS [TARGET...]
#
# The script does not change the source tree. It keeps new inputs, and inputs that made a target panic, in the target
# directory between runs. FUZZ_SANITIZER=address also finds memory errors, at half the speed. FUZZ_JOBS=N runs N targets
# at once. Each line says how long its target ran, and how much of a processor it had.
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
# Tools that cargo built are kept between runs.
PATH=/var/cache/hubgate-tools/bin:$PATH
found=$CARGO_TARGET_DIR/fuzz
mkdir -p "$found"
log=$found/log
jobs=${FUZZ_JOBS:-$(nproc)}

passed=0
failed=0

# can_fuzz: checks for the nightly toolchain and cargo-fuzz, and prints which one is missing.
can_fuzz() {
    cargo +nightly --version >/dev/null 2>&1 || { echo "no nightly toolchain" && return 1; }
    cargo +nightly fuzz --version >/dev/null 2>&1 || { echo "no cargo-fuzz" && return 1; }
}

# corpora [TARGET...]: runs every corpus file through its target as an ordinary test, with the default toolchain.
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

# fuzz TARGET: fuzzes one target and prints its line. Several targets may run at once.
fuzz() {
    target=$1
    log=$found/$target/log
    mkdir -p "$found/$target/corpus"
    began=$(date +%s)
    if HUBGATE_FUZZ_TARGET=$target "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -print_final_stats=1 -artifact_prefix="$found/$target/" "$found/$target/corpus" "corpus/$target" \
        >"$log" 2>&1; then
        stat() { sed -n "s/^stat::$1: *//p" "$log"; }
        coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
        # The second line of `times` has the processor time of the children. In a pipe, another shell would run it.
        times >"$log.times"
        processor=$(sed -n '2s/ .*//p' "$log.times")
        echo "$target: ok, $(($(date +%s) - began)) s ($processor of a processor)," \
            "$(stat number_of_executed_units) inputs, $(stat average_exec_per_sec) a second, $coverage edges"
    else
        # Print the panic and the input, without libFuzzer's tables.
        panic=$(grep -a -A 4 -e 'panicked at' -e '^==[0-9]*== ERROR' -e '^Test unit written' "$log" || tail -5 "$log")
        printf '%s: FAILED\n%s\n' "$target" "$panic"
        return 1
    fi
}

# count PID...: waits for these targets and counts their results.
count() {
    for pid in "$@"; do
        if wait "$pid"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    done
}

if why=$(can_fuzz); then
    if ! cargo +nightly fuzz build --fuzz-dir . --sanitizer "$sanitizer" --features libfuzzer >"$log" 2>&1; then
        cat "$log"
        echo "test result: FAILED. 0 passed; 1 failed; 0 ignored"
        exit 1
    fi
    # A copy of this run's own: another run may build at the same time.
    program=$found/program.$$
    trap 'rm -f "$program"' EXIT
    cp "$CARGO_TARGET_DIR/$(rustc +nightly -vV | sed -n 's/^host: //p')/release/fuzz" "$program"
    if [ $# -eq 0 ]; then
        cd corpus
        set -- *
        cd ..
    fi
    running=
    for target in "$@"; do
        fuzz "$target" &
        running="$running $!"
        if [ "$(echo "$running" | wc -w)" -ge "$jobs" ]; then
            # The list must split into process ids.
            # shellcheck disable=SC2086
            count $running
            running=
        fi
    done
    # shellcheck disable=SC2086
    count $running
else
    echo "run.sh: $why: the corpora run as ordinary tests, nothing is fuzzed"
    corpora "$@"
fi

[ "$failed" -eq 0 ] && verdict=ok || verdict=FAILED
echo "test result: $verdict. $passed passed; $failed failed; 0 ignored"
[ "$failed" -eq 0 ]
