#!/usr/bin/env bash
# Counts the instructions of every hot operation with valgrind and compares them with the recorded counts in instructions.txt.
# Instruction counts do not depend on other load of the machine. Fails if a count is more than 5 % above the recorded one.
# --record writes the new counts to instructions.txt; commit them together with the change that causes them.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
cargo=${CARGO:-cargo}
figures=benches/instructions.txt
tolerance_percent=5

# The minimum difference of two runs. It is large so that variations between process starts do not affect the result.
instructions_wanted=400000000

record=
case "${1:-}" in
    --record) record=1 ;;
    "") ;;
    *)
        echo "usage: $0 [--record]" >&2
        exit 2
        ;;
esac
if ! command -v valgrind >/dev/null; then
    echo "skipped: valgrind is not installed; install it to count instructions" >&2
    exit 0
fi

"$cargo" build --locked --release -p registry-benches --bin operation
operation=$target/release/operation

# Prints the instructions of a whole run that repeats the operation N times. The lower count of two runs is used, because timers
# of the service add instructions, and they add more on a slower machine.
count() {
    local output least= refs
    for _ in 1 2; do
        output=$(valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$operation" "$1" "$2" 2>&1) ||
            { echo "$output" >&2; return 1; }
        refs=$(echo "$output" | sed -n 's/.*I *refs: *//p' | tr -d ,)
        [ -n "$least" ] && [ "$least" -le "$refs" ] || least=$refs
    done
    echo "$least"
}

# Prints the instructions of one operation: the difference of two runs, divided by the difference of their repetitions.
each() {
    local few many times
    few=$(count "$1" 1)
    many=$(count "$1" 11)
    times=$(awk -v few="$few" -v many="$many" -v wanted=$instructions_wanted 'BEGIN {
        each = (many - few) / 10; if (each < 1000) each = 1000
        times = wanted / each
        printf "%d", (times < 20 ? 20 : times > 20000 ? 20000 : times)
    }')
    few=$(count "$1" 10)
    many=$(count "$1" $((10 + times)))
    echo $(((many - few) / times))
}

recorded() { [ ! -f $figures ] || awk -v name="$1" '$1 == name { print $2 }' $figures; }

measured=$(mktemp)
trap 'rm -f "$measured"' EXIT
status=0
printf '%-20s %14s %14s %9s\n' operation instructions recorded change
for name in $("$operation"); do
    now=$(each "$name")
    echo "$name $now" >>"$measured"
    before=$(recorded "$name")
    if [ -z "$before" ]; then
        printf '%-20s %14s %14s %9s\n' "$name" "$now" - new
        continue
    fi
    percent=$(awk -v now="$now" -v before="$before" 'BEGIN { printf "%+.1f", 100 * (now - before) / before }')
    printf '%-20s %14s %14s %8s%%' "$name" "$now" "$before" "$percent"
    if awk -v percent="$percent" -v most=$tolerance_percent 'BEGIN { exit !(percent > most) }'; then
        echo "  FAILED: more than $tolerance_percent % above the recorded count"
        status=1
    elif awk -v percent="$percent" -v most=$tolerance_percent 'BEGIN { exit !(-percent > most) }'; then
        echo "  lower than recorded; record it with benches/instructions.sh --record"
    else
        echo
    fi
done

if [ -n "$record" ]; then
    {
        echo "# Instruction count of each hot operation, executed once. Written by benches/instructions.sh --record."
        echo "# $(rustc --version), $(uname -m), $(valgrind --version)"
        cat "$measured"
    } >$figures
    echo "counts recorded in $figures"
    exit 0
fi
exit $status
