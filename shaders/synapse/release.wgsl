// One invocation = one source of one sample, through the steps of the span. Twin and equations: src/synapse/release.rs.

// The spike of a source in a row.
fn spike(row: u32, id: u32) -> f32 {
    if params.soft > 0u {
        return soft_spikes[params.soft_spikes_at + row * params.n + id];
    }
    let word = spikes[params.spikes_at + row * ((params.n + 31u) / 32u) + id / 32u];
    return f32((word >> (id % 32u)) & 1u);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let first = b * (params.history + params.steps) + params.history;
    for (var t = span.t0; t < span.t1; t++) {
        let at = params.states_at + (b * params.steps + t) * 2u * params.n + id;
        var u = 0.0;
        var x = 0.0;
        if t > 0u {
            // What the step before left of the states before it.
            let last = at - 2u * params.n;
            let before_u = states[last];
            let after_u = before_u + spike(first + t - 1u, id) * params.u_rest * (1.0 - before_u);
            u = after_u + params.fall_facil * after_u;
            let after_x = states[last + params.n] + released[params.released_at + (first + t - 1u) * params.n + id];
            x = after_x + params.fall_rec * after_x;
        }
        states[at] = u;
        states[at + params.n] = x;
        let used = u + params.u_rest * (1.0 - u);
        released[params.released_at + (first + t) * params.n + id] = spike(first + t, id) * used * (1.0 - x);
    }
}
