// What steps of a training on a tape and their adjoint share; twin: src/neuron/frame/tape.rs. A model on a tape has one
// receptor. The state of a neuron is at hand while its invocation runs, and so is the adjoint.
const ROW = 1u;
const RECEPTORS = 1u;
const ROWS = STATE + 2u * RECEPTORS;

var<private> state: array<f32, 2u * ROWS>;   // rows, and behind them those of second floats
var<private> sample: u32;
var<private> now: u32;
var<private> constant_current: f32;
var<private> to_threshold: f32;

fn receptors() -> u32 {
    return RECEPTORS;
}

// Where a parameter is: each neuron has its own, or there is one for all.
fn cell_index(own: u32, for_all: u32) -> u32 {
    return select(for_all, own, params.own == 1u);
}

// A row of a neuron's state at the start of a window, likewise.
fn start_of(row: u32, neuron: u32) -> f32 {
    return start[params.start_at + cell_index(((neuron / BLOCK * all_rows()) + row) * BLOCK + neuron % BLOCK, row)];
}

// Where on the tape a neuron is at this step.
fn tape_index(neuron: u32) -> u32 {
    return params.tape_at + (sample * params.steps + now) * params.n + neuron;
}

fn with_stimuli(constant: f32, neuron: u32) -> f32 {
    return constant + constant_current;
}

// What arrives, before its kick.
fn raw_arrival(neuron: u32, r: u32) -> f32 {
    if (neuron >= params.n) || (params.arrive == 0u) {
        return 0.0;
    }
    return tape[tape_index(neuron)];
}

// What arrives.
fn arriving(neuron: u32, r: u32) -> f32 {
    return receptor_field(r, PORT_KICK, neuron) * raw_arrival(neuron, r);
}

// Whether a neuron that is free to do so spikes: what its distance to the threshold tells on the way back. Where none
// ever does, the tape gets the potential.
fn decided(free: bool, v: f32, threshold: f32) -> bool {
    if SILENT == 1u {
        to_threshold = v;
        return false;
    }
    to_threshold = select(HELD, v - threshold, free);
    return to_threshold >= 0.0;
}

fn soft_spike() -> f32 {
    if to_threshold <= HELD {
        return 0.0;
    }
    return surrogate_soft_spike(params.steepness, to_threshold / params.unit);
}

// `x`, or `to` where the neuron spikes.
fn after_spike(spike: bool, x: f32, to: f32) -> f32 {
    if SOFT == 2u {
        return x + soft_spike() * (to - x);
    }
    return select(x, to, spike);
}
