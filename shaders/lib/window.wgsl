// One invocation = one neuron of one sample over the steps of the span. The model has `cell_fields`,
// `state_rows` and `neuron_step`. Twin: src/neuron/frame.rs.

var<workgroup> spiked: array<u32, WG>;
var<private> sample: u32;
var<private> now: u32;
var<private> to_threshold: f32;

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
    let own = min(neuron, params.n - 1u);
    var current_now = current[params.current_at + sample * params.n + own];
    if params.driven != 0u {
        current_now += inbox[inbox_index(own, params.receptors)];
    }
    return constant + current_now;
}

// What arrives at a receptor.
fn arriving(neuron: u32, r: u32) -> f32 {
    if (neuron >= params.n) || (((params.arrive >> r) & 1u) == 0u) {
        return 0.0;
    }
    return receptor_field(r, PORT_KICK, neuron) * inbox[inbox_index(neuron, r)];
}

fn soft_spike() -> f32 {
    if to_threshold <= HELD {
        return 0.0;
    }
    return surrogate_soft_spike(params.steepness, to_threshold / params.unit);
}

// Whether a neuron that is free to do so spikes.
fn decided(free: bool, v: f32, threshold: f32) -> bool {
    to_threshold = select(HELD, v - threshold, free);
    return free && (v >= threshold);
}

// `x`, or `to` where the neuron spikes.
fn after_spike(spike: bool, x: f32, to: f32) -> f32 {
    if SOFT == 2u {
        return x + soft_spike() * (to - x);
    }
    return select(x, to, spike);
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
    let base = block % blocks * BLOCK;
    let neuron = base + local;
    // Lanes beyond the last neuron start as copies of it, and get nothing.
    let alive = sample < clock.samples;
    let rows = all_rows();
    let slot = (rows + 1u) * BLOCK;
    let slots = 1u + (params.steps + params.segment - 1u) / params.segment + params.segment;
    let s = params.state_at + block * slots * slot + local;
    let begin = params.start_at + base / BLOCK * rows * BLOCK + local;
    let words = (params.n + 31u) / 32u;
    // `span` is the same for all invocations, as the barriers need it.
    for (var t = span.t0; t < span.t1; t++) {
        now = t;
        var spike = false;
        let row = sample * (params.history + params.steps) + params.history + t;
        if alive {
            if t == 0u {
                for (var k = 0u; k < rows; k++) {
                    state[s + k * BLOCK] = start[begin + k * BLOCK];
                }
            }
            if t % params.segment == 0u {
                let kept = s + (1u + t / params.segment) * slot;
                for (var k = 0u; k < rows; k++) {
                    state[kept + k * BLOCK] = state[s + k * BLOCK];
                }
            }
            spike = neuron_step(s, neuron) && (neuron < params.n);
            if (params.watched != 0u) && (neuron < params.n) {
                inbox[inbox_index(neuron, params.receptors + params.driven)] = state[s];
            }
            if (SOFT > 0u) && (neuron < params.n) {
                soft_spikes[params.soft_spikes_at + row * params.n + neuron] = soft_spike();
            }
        }
        spiked[local] = select(0u, 1u, spike);
        workgroupBarrier();
        let word = base / 32u + local;
        if alive && (local < 2u) && (word < words) {
            var bits = 0u;
            for (var k = 0u; k < 32u; k++) {
                bits |= spiked[(local * 32u) + k] << k;
            }
            spikes[params.spikes_at + row * words + word] = bits;
        }
        workgroupBarrier();
    }
}
