// One workgroup = one sample: errors of its neurons, the loss, gradients by the potentials. Twin: src/train/trace.rs.

fn potential_index(b: u32, t: u32, id: u32) -> u32 {
    return ((b * params.steps + t) * params.rows + params.row) * params.n + id;
}

fn difference(b: u32, t: u32, id: u32) -> f32 {
    let column = select(0u, id, params.columns > 1u);
    return inbox[potential_index(b, t, id)] - wanted[t * params.columns + column];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, 0u, WG) / WG;
    let alive = b < clock.samples;
    let share = 2.0 / (f32(params.n) * f32(params.steps) * f32(clock.samples));
    for (var id = local; alive && (id < params.n); id += WG) {
        var y = 0.0;
        var error = 0.0;
        for (var t = 0u; t < params.steps; t++) {
            let e = difference(b, t, id);
            y += params.rise * (e - y);
            filtered[(b * params.steps + t) * params.n + id] = y;
            error += params.of_filtered * (y * y) + params.of_difference * (e * e);
        }
        errors[b * params.n + id] = error / f32(params.steps);
        if params.back != 0u {
            var by_y = 0.0;
            for (var t = params.steps; t > 0u; t--) {
                let e = difference(b, t - 1u, id);
                let passed = filtered[(b * params.steps + t - 1u) * params.n + id];
                by_y = share * params.of_filtered * passed + (1.0 - params.rise) * by_y;
                inbox[potential_index(b, t - 1u, id)] = params.rise * by_y + share * params.of_difference * e;
            }
        }
    }
    storageBarrier();
    if alive && (local == 0u) {
        var sum = 0.0;
        for (var id = 0u; id < params.n; id++) {
            sum += errors[b * params.n + id];
        }
        losses[b * params.slots + clock.slot] = sum / f32(params.n);
    }
}
