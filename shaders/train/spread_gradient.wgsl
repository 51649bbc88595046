// One invocation = one neuron of one sample. Twin: src/train/spread_gradient.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let by_count = params.factor * gradient[params.gradient_at + k];
    for (var t = 0u; t < params.steps; t++) {
        let at = params.cotangent_at + (b * params.steps + t) * params.n + id;
        var before = 0.0;
        if params.accumulate == 1u {
            before = cotangent[at];
        }
        cotangent[at] = before + by_count;
    }
}
