// One invocation = one source of one sample, through the steps of the span, last step first. Twin and equations:
// src/synapse/release_backward.rs.

// The spike of a source in a row.
fn spike(row: u32, id: u32) -> f32 {
    if params.soft > 0u {
        return soft_spikes[row * params.n + id];
    }
    return f32((spikes[row * ((params.n + 31u) / 32u) + id / 32u] >> (id % 32u)) & 1u);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let kept = b * 2u * params.n + id;
    var by_u = 0.0;
    var by_x = 0.0;
    if span.t1 < params.steps {
        by_u = carried[kept];
        by_x = carried[kept + params.n];
    }
    for (var left = span.t1; left > span.t0; left--) {
        let t = left - 1u;
        let s = spike(b * (params.history + params.steps) + params.history + t, id);
        let state = (b * params.steps + t) * 2u * params.n + id;
        let jump = params.u_rest * (1.0 - states[state]);
        let used = states[state] + jump;
        let free = 1.0 - states[state + params.n];
        let at = (b * params.steps + t) * params.n + id;
        let by = by_released[at] + by_x;
        let by_spike = by * used * free + by_u * jump;
        var before = 0.0;
        if params.accumulate == 1u {
            before = cotangent[at];
        }
        cotangent[at] = before + by_spike;
        let earlier_u = by_u * (1.0 - s * params.u_rest) + by * s * free * (1.0 - params.u_rest);
        by_u = earlier_u + params.fall_facil * earlier_u;
        let earlier_x = by_x - by * s * used;
        by_x = earlier_x + params.fall_rec * earlier_x;
    }
    carried[kept] = by_u;
    carried[kept + params.n] = by_x;
}
