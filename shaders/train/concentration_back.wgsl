// One invocation = one neuron of one sample, from the last step to the first: gradients by what its spikes release.
// Twin: src/train/concentration_back.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    var later = 0.0;
    for (var t = params.steps; t > 0u; t--) {
        let row = (b * params.steps + t) - 1u;
        let at = row * params.n + id;
        var others = 0.0;
        if params.accumulate == 1u {
            others = cotangent[at];
        }
        cotangent[at] = others + params.amount * later;
        later = by_level[row] + (later + params.fall * later);
    }
}
