// One invocation = one neuron at one step: filters of its potential, and what they do to its synapses. The
// targets to change in the next step are appended to its list in the order of chance, which does not matter,
// since each has synapses of its own. Twin and equations: src/plasticity/voltage.rs.
//!use lib/call.wgsl
//!use lib/slow.wgsl
override WG: u32;
override SLIDING: u32;

struct Params {
    n: u32,
    row: u32,
    first_word: u32,
    rows: u32,
    potential: u32,
    slots: u32,
    list: u32,
    delay: u32,
    hold: u32,
    v_spike: f32,
    rate_minus: f32,
    rate_plus: f32,
    rate_mean: f32,
    theta_minus: f32,
    theta_plus: f32,
    per_ref: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> spikes: array<u32>;
@group(0) @binding(4) var<storage, read> state: array<f32>;
@group(0) @binding(5) var<storage, read> rest: array<f32>;
@group(0) @binding(6) var<storage, read_write> filters: array<f32>;
@group(0) @binding(7) var<storage, read_write> low: array<f32>;
@group(0) @binding(8) var<storage, read_write> plus: array<f32>;
@group(0) @binding(9) var<storage, read_write> high: array<f32>;
@group(0) @binding(10) var<storage, read_write> changing: array<atomic<u32>>;

fn slot(step: u32) -> u32 {
    return step & (params.slots - 1u);
}

fn filtered(at: u32, rest: u32, rate: f32, u: f32) -> f32 {
    let x = advanced(vec2<f32>(filters[at], filters[rest]), rate * (u - filters[at]));
    filters[at] = x.x;
    filters[rest] = x.y;
    return x.x;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let neuron = invocation(group, groups, local, WG);
    if neuron >= params.n {
        return;
    }
    let padded = (params.n + 63u) / 64u * 64u;
    let now = clock.step_lo + span.t0;
    // The list after the next begins empty: this one is being filled.
    if neuron == 0u {
        atomicStore(&changing[slot(now + 2u) * params.list], 0u);
    }
    let at = (neuron / 64u * params.rows + params.potential) * 64u + neuron % 64u;
    var u = state[at] + rest[neuron];
    var left = filters[3u * padded + neuron];
    let word = spikes[span.t0 * params.row + params.first_word + neuron / 32u];
    if ((word >> (neuron % 32u)) & 1u) == 1u {
        left = f32(params.hold);
    }
    if left > 0.0 {
        u = params.v_spike;
        left -= 1.0;
    }
    let second = 4u * padded;
    let minus = filtered(neuron, second + neuron, params.rate_minus, u);
    let next = padded + neuron;
    let ahead = filtered(next, second + next, params.rate_plus, u);
    let last = next + padded;
    let mean = filtered(last, second + last, params.rate_mean, u - rest[neuron]) * params.per_ref;
    filters[3u * padded + neuron] = left;
    let row = slot(now) * padded + neuron;
    low[row] = max(minus - params.theta_minus, 0.0) * select(1.0, mean * mean, SLIDING == 1u);
    plus[row] = max(ahead - params.theta_minus, 0.0);
    let before = plus[slot(now - params.delay) * padded + neuron];
    let rise = max(u - params.theta_plus, 0.0) * before;
    high[row] = rise;
    if rise > 0.0 {
        let list = slot(now + 1u) * params.list;
        atomicStore(&changing[list + 1u + atomicAdd(&changing[list], 1u)], neuron);
    }
}
