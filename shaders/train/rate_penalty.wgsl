// One invocation = one sample. Twin: src/train/rate_penalty.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let share = params.strength / f32(params.n);
    let by_rate = 2.0 * share / f32(clock.samples);
    var sum = 0.0;
    for (var id = 0u; id < params.n; id++) {
        let rate = rates[b * params.n + id];
        let beyond = rate - min(max(rate, params.low), params.high);
        sum += beyond * beyond;
        gradient[b * params.n + id] = by_rate * beyond;
    }
    losses[b * params.slots + clock.slot] += share * sum;
}
