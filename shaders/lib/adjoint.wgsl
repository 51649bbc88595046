// One invocation = one neuron of one sample: the adjoint of the steps of the span, the last first. The steps of
// a segment are done once more before, with the spikes on record. The model has `cell_fields`, `state_rows`,
// `neuron_step` and `neuron_adjoint`. Twin: src/neuron/frame.rs.

var<private> sample: u32;
var<private> now: u32;
var<private> to_threshold: f32;
var<private> after: u32;    // where the state after the step is, for models that need it on their way back

// What a model needs to know of the spike on its way back.
struct Back {
    by_spike: f32,  // gradient by the spike
    slope: f32,     // of the spike by the distance to the threshold; 0 where a neuron cannot spike
    spiked: f32,    // 0 or 1, or between with soft spikes
    distance: f32,  // to the threshold
}

// Where a parameter is: each neuron has its own.
fn cell_index(own: u32, for_all: u32) -> u32 {
    return own;
}

// Rows of a step in the inbox: see src/neuron/frame.rs.
fn inbox_index(neuron: u32, row: u32) -> u32 {
    let rows = params.receptors + params.driven + params.watched;
    return params.inbox_at + ((sample * params.steps + now) * rows + row) * params.n + neuron;
}

fn with_stimuli(constant: f32, neuron: u32) -> f32 {
    var current_now = current[params.current_at + sample * params.n + neuron];
    if params.driven != 0u {
        current_now += inbox[inbox_index(neuron, params.receptors)];
    }
    return constant + current_now;
}

fn arrives(r: u32) -> bool {
    return ((params.arrive >> r) & 1u) == 1u;
}

// What arrives at a receptor, before its kick.
fn raw_arrival(neuron: u32, r: u32) -> f32 {
    if !arrives(r) {
        return 0.0;
    }
    return inbox[inbox_index(neuron, r)];
}

// What arrives at a receptor.
fn arriving(neuron: u32, r: u32) -> f32 {
    return receptor_field(r, PORT_KICK, neuron) * raw_arrival(neuron, r);
}

// Puts the gradient by what arrives at a receptor, in units of its jump, in the place of that.
fn give_back(neuron: u32, r: u32, by_arriving: f32) {
    if arrives(r) {
        inbox[inbox_index(neuron, r)] = receptor_field(r, PORT_KICK, neuron) * by_arriving;
    }
}

var<private> by_numbers: u32;   // where gradients by the numbers of the neuron are

// Whether any number of the neurons is trained.
fn wants_numbers() -> bool {
    return params.numbers != 0u;
}

// Adds to the gradient by number `k`: a field of `cell`, or behind these a number of a receptor.
fn add_number(k: u32, by: f32) {
    if wants_numbers() {
        adjoint[by_numbers + k * BLOCK] += by;
    }
}

fn is_on_record(neuron: u32) -> bool {
    let words = (params.n + 31u) / 32u;
    let row = sample * (params.history + params.steps) + params.history + now;
    return ((spikes[params.spikes_at + row * words + neuron / 32u] >> (neuron % 32u)) & 1u) == 1u;
}

var<private> recorded: bool;

// Whether a neuron spikes is on record.
fn decided(free: bool, v: f32, threshold: f32) -> bool {
    to_threshold = select(HELD, v - threshold, free);
    return recorded;
}

fn soft_spike(u: f32) -> f32 {
    if u <= HELD {
        return 0.0;
    }
    return surrogate_soft_spike(params.steepness, u / params.unit);
}

// `x`, or `to` where the neuron spikes.
fn after_spike(spike: bool, x: f32, to: f32) -> f32 {
    if SOFT == 2u {
        return x + soft_spike(to_threshold) * (to - x);
    }
    return select(x, to, spike);
}

// What the gradient by the spike gains where the spike adds `change` to the potential, whose gradient is `by_after`.
fn through_reset(by_after: f32, change: f32) -> f32 {
    return select(0.0, by_after * change, (ATTACHED & 1u) != 0u);
}

// The same where it adds to the threshold or an adaptation.
fn through_adaptation(by_after: f32, change: f32) -> f32 {
    return select(0.0, by_after * change, (ATTACHED & 2u) != 0u);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let first = invocation(group, groups, 0u, WG);
    let blocks = (params.n + BLOCK - 1u) / BLOCK;
    let block = first / BLOCK;
    sample = block / blocks;
    let neuron = block % blocks * BLOCK + local;
    if (sample >= clock.samples) || (neuron >= params.n) {
        return;
    }
    let rows = all_rows();
    let slot = (rows + 1u) * BLOCK;
    let segments = (params.steps + params.segment - 1u) / params.segment;
    let s = params.state_at + block * (1u + segments + params.segment) * slot + local;
    let passed = s + (1u + segments) * slot;
    let own_rows = state_rows();
    let adjoint_rows = own_rows + 1u + params.numbers;
    let a = params.adjoint_at + block * adjoint_rows * BLOCK + local;
    by_numbers = a + (own_rows + 1u) * BLOCK;
    if span.t1 == params.steps {
        for (var k = 0u; k < adjoint_rows; k++) {
            adjoint[a + k * BLOCK] = 0.0;
        }
    }
    for (var t = span.t1; t > span.t0; t--) {
        let within = (t - 1u) % params.segment;
        if (within == params.segment - 1u) || (t == params.steps) {
            let kept = s + (1u + (t - 1u) / params.segment) * slot;
            for (var k = 0u; k < rows; k++) {
                state[passed + k * BLOCK] = state[kept + k * BLOCK];
            }
            for (var j = 0u; j <= within; j++) {
                now = t - 1u - within + j;
                let before = passed + j * slot;
                // The slot of the state as it is holds the last state of a segment, which nothing needs.
                after = select(before + slot, s, j == within);
                for (var k = 0u; k < rows; k++) {
                    state[after + k * BLOCK] = state[before + k * BLOCK];
                }
                recorded = is_on_record(neuron);
                neuron_step(after, neuron);
                state[before + rows * BLOCK] = to_threshold;
            }
        }
        now = t - 1u;
        let before = passed + within * slot;
        after = select(before + slot, s, (within == params.segment - 1u) || (t == params.steps));
        let u = state[before + rows * BLOCK];
        var slope = 0.0;
        if u > HELD {
            slope = surrogate_derivative(params.steepness, u / params.unit) / params.unit;
        }
        var spiked = select(0.0, 1.0, is_on_record(neuron));
        if SOFT == 2u {
            spiked = soft_spike(u);
        }
        let by_spike = cotangent[params.cotangent_at + (sample * params.steps + now) * params.n + neuron];
        if params.watched != 0u {
            adjoint[a] += inbox[inbox_index(neuron, params.receptors + params.driven)];
        }
        let by_input = neuron_adjoint(before, a, neuron, Back(by_spike, slope, spiked, u));
        adjoint[a + own_rows * BLOCK] += by_input;
    }
    if span.t0 == 0u {
        current[params.current_at + sample * params.n + neuron] = adjoint[a + own_rows * BLOCK];
    }
}
