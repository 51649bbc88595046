// One invocation = one neuron of one sample. Twin and equations: src/train/first_spike_ramp.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let by_step = output_gradient[k] * params.per_step;
    let end = first[k] + 1u;
    for (var t = 0u; t < params.steps; t++) {
        let at = (b * params.steps + t) * params.n + id;
        var by_spike = 0.0;
        if params.accumulate == 1u {
            by_spike = cotangent[at];
        }
        cotangent[at] = by_spike + by_step * f32(end - min(end, t));
    }
}
