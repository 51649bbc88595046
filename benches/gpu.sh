#!/bin/bash
# Speed on a GPU, in one table, in at most four minutes; no Rust is needed, only the built program.
#
#   benches/gpu.sh [PROGRAM]              on the machine's GPU; PROGRAM is target/release/neuralearn if absent
#   ENGINE=software benches/gpu.sh        the same at about a hundredth of the size, to see that it works
#
# Lines: what it is, the measure, that of the CPU engine on the same machine, spikes or rate of both. The dispatch is
# that of one neuron which waits for itself: the wall time of a step, which is one dispatch. After the table comes the time of each kernel of the heaviest run.
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$here/target/release/neuralearn}
engine=${ENGINE:-gpu}
cd "$here" || exit 5
[ -x "$program" ] || { echo "there is no program $program; cargo build --release makes it" >&2; exit 5; }
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
end=$((SECONDS + 240))

# Sizes: whole on a GPU, a hundredth on a software adapter.
if [ "$engine" = software ]; then
    whole=false; steps_ms=20; dispatch_ms=200; scale=0.01; limit=256
else
    whole=true; steps_ms=1000; dispatch_ms=10000; scale=1; limit=60000
fi

# A number of the summary of a run, by its name.
number() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*\$/\1/p" "$work/$1/summary.json" | head -1; }

# run NAME SCENE ENGINE ARGS...: says on the error stream what went wrong.
run() {
    local name=$1 scene=$2 on=$3; shift 3
    local left=$((end - SECONDS))
    [ "$left" -gt 5 ] || { echo "$name: no time is left" >&2; return 1; }
    timeout "$left" "$program" --scene "$scene" --engine "$on" --out "$work/$name" --quiet "$@" \
        > "$work/$name.log" 2>&1 || { echo "$name: $(tail -1 "$work/$name.log")" >&2; return 1; }
}

row() { printf '%-34s %14s %14s %26s\n' "$@"; }

# Wall time per biological second on both engines, and the mean rate of the first population.
simulate() {
    local name=$1 scene=$2; shift 2
    run "$name" "$scene" "$engine" "$@" || { row "$name" failed '' ''; return; }
    local own cpu='' rates
    own=$(number "$name" real_time_factor)
    rates=$(number "$name" rate_hz)
    if run "$name-cpu" "$scene" cpu "$@"; then
        cpu=$(printf '%.3f s/s' "$(number "$name-cpu" real_time_factor)")
        rates="$rates / $(number "$name-cpu" rate_hz) Hz"
    fi
    row "$name" "$(printf '%.3f s/s' "$own")" "$cpu" "$rates"
}

# Samples per second of a training of one epoch.
train() {
    local name=$1 scene=$2; shift 2
    run "$name" "$scene" "$engine" --set training.epochs=1 --set "training.limit=$limit" "$@" \
        || { row "$name" failed '' ''; return; }
    local own cpu='-' accuracy
    own=$(number "$name" train_samples_per_s)
    accuracy=$(number "$name" test_accuracy)
    if run "$name-cpu" "$scene" cpu --set training.epochs=1 --set "training.limit=$limit" "$@"; then
        cpu=$(printf '%.0f /s' "$(number "$name-cpu" train_samples_per_s)")
        accuracy="$accuracy / $(number "$name-cpu" test_accuracy)"
    fi
    row "$name" "$(printf '%.0f /s' "$own")" "$cpu" "$accuracy"
}

"$program" devices
echo
row "$engine, $("$program" --version)" 'this engine' 'cpu engine' 'rate or accuracy, both'

# One neuron that sends to itself: each dispatch waits for the one before.
cat > "$work/one.ron" <<RON
(version: 1, simulation: (dt: 0.1, duration: $dispatch_ms), populations: {
    "cell": (size: 1, model: Lif(i_e: 600)) },
    projections: [(from: "cell", to: "cell", connect: Dense, weight: 1, delay: 0.1)], record: (spikes: ["cell"]))
RON
if run dispatch "$work/one.ron" "$engine"; then
    wall=$(number dispatch wall_s)
    row 'dependent dispatch' "$(awk "BEGIN { printf \"%.2f us\", $wall * 1e6 / ($dispatch_ms * 10) }")" '' ''
else
    row 'dependent dispatch' failed '' ''
fi

if $whole; then
    simulate coba scenes/coba.ron
    simulate coba_40000 benches/scenes/coba_40000.ron
    simulate brunel scenes/brunel.ron
    train mnist scenes/mnist.ron
    train snntorch_fc benches/scenes/snntorch_fc.ron
else
    for name in coba brunel; do
        simulate "$name" "scenes/$name.ron" --set simulation.duration=$steps_ms
    done
    train mnist scenes/mnist.ron
    train snntorch_fc benches/scenes/snntorch_fc.ron
fi
# The microcircuit last: it takes longest, and needs Python to be written at another size than its own.
scene=scenes/microcircuit.ron
size='a tenth'
if command -v python3 > /dev/null && python3 scenes/microcircuit.py --scale "$scale" "$work/microcircuit.ron"; then
    scene=$work/microcircuit.ron
    size="scale $scale"
fi
simulate "microcircuit, $size" "$scene" --set simulation.duration=$steps_ms

echo
echo "Time of each kernel, of the microcircuit:"
run profile "$scene" "$engine" --set simulation.duration=$((steps_ms / 2)) --profile && grep -v WARN "$work/profile.log"
