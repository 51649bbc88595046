// One invocation = one neuron at one step: take pulses, integrate, take what else arrives, threshold,
// reset. Twin and equations: src/neuron/izhikevich.rs.
//!use lib/call.wgsl
override WG: u32;
override HALF_STEPS: u32;

struct Params {
    n: u32,
    tile: u32,
    first_tile: u32,
    slots: u32,
    stride: u32,
    receptors: u32,
    own: u32,
    drive: u32,
    current: u32,
    row: u32,
    first_word: u32,
    step: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;
@group(0) @binding(4) var<storage, read> cell: array<f32>;
@group(0) @binding(5) var<storage, read> receptor: array<f32>;
@group(0) @binding(6) var<storage, read_write> ring: array<u32>;
@group(0) @binding(7) var<storage, read> drive: array<f32>;
@group(0) @binding(8) var<storage, read> current: array<f32>;
@group(0) @binding(9) var<storage, read_write> spikes: array<u32>;
//!use lib/receptor.wgsl

const CELL = 6u;
const STATE = 2u;
const PULSE = 1u;
var<workgroup> spiked: array<u32, WG>;

fn parameter(field: u32, neuron: u32) -> f32 {
    let own = (neuron / BLOCK * CELL + field) * BLOCK + neuron % BLOCK;
    return cell[select(field, own, params.own == 1u)];
}

// v after a step.
fn next(v: f32, slope: f32, level: f32) -> f32 {
    return v + params.step * ((v * 0.04 + slope) * v + level);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let base = invocation(group, groups, 0u, WG);
    let padded = (params.n + BLOCK - 1u) / BLOCK * BLOCK;
    if base >= padded {
        return;
    }
    let neuron = base + local;
    let rows = STATE + 2u * params.receptors;
    let s = neuron / BLOCK * rows * BLOCK + local;
    let before = state[s];
    var u = state[s + BLOCK];

    var input = parameter(4u, neuron);
    if params.drive == 1u {
        input += drive[span.t0];
    }
    if params.current == 1u {
        input += current[neuron];
    }
    var slope = 5.0;
    let slot = (clock.step_lo + span.t0) & (params.slots - 1u);
    for (var r = 0u; r < params.receptors; r++) {
        let at = s + (STATE + 2u * r) * BLOCK;
        if u32(receptor[r * RECEPTOR]) == PULSE {
            state[at] = ring_take(neuron, r, slot);
        }
        let g = state[at];
        if receptor[r * RECEPTOR + 5u] > 0.0 {
            let open = receptor_open(r, g, before);
            slope -= open.g;
            input += open.g_e;
        } else {
            input += g;
        }
    }
    let level = 140.0 - u + input;
    var v = next(before, slope, level);
    var origin = before;
    if HALF_STEPS == 1u {
        v = next(v, slope, level);
        origin = v;
    }
    u += parameter(0u, neuron) * (parameter(1u, neuron) * origin - u);

    for (var r = 0u; r < params.receptors; r++) {
        if u32(receptor[r * RECEPTOR]) != PULSE {
            v += receptor_step(r, s + (STATE + 2u * r) * BLOCK, ring_take(neuron, r, slot));
        }
    }

    let spike = v >= parameter(5u, neuron);
    if spike {
        v = parameter(2u, neuron);
        u += parameter(3u, neuron);
    }
    state[s] = v;
    state[s + BLOCK] = u;

    // Two words of spikes for the 64 neurons of the workgroup. Lanes beyond the last neuron are reset like
    // it, or they would diverge, but do not count.
    spiked[local] = select(0u, 1u, spike && neuron < params.n);
    workgroupBarrier();
    if local < 2u {
        var bits = 0u;
        for (var k = 0u; k < 32u; k++) {
            bits |= spiked[local * 32u + k] << k;
        }
        spikes[span.t0 * params.row + params.first_word + base / 32u + local] = bits;
    }
}
