#!/usr/bin/env bash
# Counts the instructions of every hot operation under valgrind and compares them with the figures in instructions.txt: a
# busy machine makes an operation slow, but not long. More than five in a hundred above its figure is a failure. With
# --record the figures are written anew, which belongs into the commit that changes them.
set -euo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
cargo=${CARGO:-cargo}
figures=benches/instructions.txt
tolerance_percent=5

# What the difference of two runs should be at least, so that a start, of which no two are alike, does not show in it.
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
    echo "skipped: valgrind is not installed, no instructions were counted" >&2
    exit 0
fi

"$cargo" build --locked --release -p registry-benches --bin operation
operation=$target/release/operation

# Of a whole run that does the operation so often: the fewer of two, for what a service does by the clock comes on top, and
# more of it the slower the machine is.
count() {
    local said least= refs
    for _ in 1 2; do
        said=$(valgrind --tool=cachegrind --cache-sim=no --cachegrind-out-file=/dev/null "$operation" "$1" "$2" 2>&1) ||
            { echo "$said" >&2; return 1; }
        refs=$(echo "$said" | sed -n 's/.*I *refs: *//p' | tr -d ,)
        [ -n "$least" ] && [ "$least" -le "$refs" ] || least=$refs
    done
    echo "$least"
}

# Of the operation once: how much more a run takes that does it more often.
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
        echo "  MORE THAN $tolerance_percent % ABOVE"
        status=1
    elif awk -v percent="$percent" -v most=$tolerance_percent 'BEGIN { exit !(-percent > most) }'; then
        echo "  fewer: worth recording (benches/instructions.sh --record)"
    else
        echo
    fi
done

if [ -n "$record" ]; then
    {
        echo "# Instructions of each hot operation, once; written by benches/instructions.sh --record."
        echo "# $(rustc --version), $(uname -m), $(valgrind --version)"
        cat "$measured"
    } >$figures
    echo "recorded in $figures"
    exit 0
fi
exit $status
