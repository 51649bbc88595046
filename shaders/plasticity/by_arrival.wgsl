// One invocation = one neuron of one sample, through all rows. Twin: src/plasticity/by_arrival.rs.

// Whether the neuron spikes in a step, as a number.
fn spiked(b: u32, id: u32, t: u32) -> f32 {
    let row = b * (params.history + params.steps) + params.history + t;
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
    let at = params.changes_at + b * params.steps * params.n + id;
    // What the target does to traces of its sources, row by row; what lies behind the window is kept apart.
    var y = 0.0;
    var slow = 0.0;
    var later = 0.0;
    var weight = pow(params.keep_x, f32(max(params.shift, params.steps) - params.steps));
    for (var t = 0u; t < params.steps; t++) {
        let s = spiked(b, id, t);
        var done = 0.0;
        if params.every > 0u {
            y = params.keep_y * y + s;
            if (t + 1u) % params.every == 0u {
                done = params.post * y;
            }
        } else {
            slow *= params.keep_slow;
            done = s * (params.post + params.triplet * slow);
            slow += s;
        }
        let row = t + params.shift;
        if row < params.steps {
            changes[at + row * params.n] = done;
        } else {
            weight *= params.keep_x;
            later += weight * done;
        }
    }
    // Back through the rows: p counts what is behind a row, or from it on. No spike of the target comes to the first.
    for (var left = params.steps; left > 0u; left--) {
        let row = left - 1u;
        var done = 0.0;
        if row >= params.shift {
            done = changes[at + row * params.n];
        }
        if params.every > 0u {
            later += done;
            changes[at + row * params.n] = later;
            later *= params.keep_x;
        } else {
            changes[at + row * params.n] = later;
            later = params.keep_x * (later + done);
        }
    }
    y = 0.0;
    for (var row = 0u; row < params.steps; row++) {
        changes[at + row * params.n] += params.constant + params.pair * y;
        var s = 0.0;
        if row >= params.shift {
            s = spiked(b, id, row - params.shift);
        }
        y = params.keep_y * (y + s);
    }
}
