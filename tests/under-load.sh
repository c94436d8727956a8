#!/usr/bin/env bash
# Runs a command while every processor is busy: starts one busy loop for each processor, runs the command, and ends the loops,
# even after a failure or a signal. BUSY_LOOPS sets another number of loops. The exit code is that of the command.
set -euo pipefail
[ $# -gt 0 ] || { echo "usage: $0 COMMAND [ARGUMENT…]" >&2; exit 2; }

count=${BUSY_LOOPS:-$(getconf _NPROCESSORS_ONLN)}
loops=()
command=
interrupted=

# `wait` also keeps the shell from reporting the killed loops.
finish() {
    [ ${#loops[@]} = 0 ] || kill "${loops[@]}" 2>/dev/null || true
    for loop in ${loops[@]+"${loops[@]}"}; do wait "$loop" 2>/dev/null || true; done
}

# A loop also ends if this script was killed by a signal that it cannot handle.
busy() {
    while kill -0 "$1" 2>/dev/null; do
        for _ in {1..100000}; do :; done
    done
}

# Forwards a signal to the command's process group. The script ends when the command has ended.
forward_signal() {
    [ -n "$command" ] || exit $((128 + $2))
    interrupted=1
    kill -s "$1" -- "-$command" 2>/dev/null || true
}

trap finish EXIT
trap 'forward_signal HUP 1' HUP
trap 'forward_signal INT 2' INT
trap 'forward_signal TERM 15' TERM

# Each child is the leader of its own process group, so that this script alone receives signals from the terminal.
set -m
for _ in $(seq "$count"); do
    (
        trap - EXIT HUP INT TERM
        busy $$
    ) </dev/null >/dev/null 2>&1 &
    loops+=($!)
done
[ ! -t 0 ] || exec </dev/null
"$@" <&0 &
command=$!
set +m
echo "busy loops: $count (${loops[*]})" >&2

status=0
interrupted=1
while [ -n "$interrupted" ]; do
    interrupted=
    wait "$command" && status=0 || status=$?
done
exit "$status"
