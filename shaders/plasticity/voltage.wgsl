// One invocation = one neuron at one step: filters of its potential, and what they do to its synapses. The
// targets to change in the next step are appended to its list in the order of chance, which does not matter,
// since each has synapses of its own. Twin and equations: src/plasticity/voltage.rs.
//!use lib/slow.wgsl

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
