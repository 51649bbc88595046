// One invocation = one neuron of one sample: looks for its first spike. Twin: src/train/first_spikes.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let words = (params.n + 31u) / 32u;
    let row = b * (params.history + params.steps) + params.history;
    var t = 0u;
    while t < params.steps && ((spikes[(row + t) * words + id / 32u] >> (id % 32u)) & 1u) == 0u {
        t++;
    }
    first[k] = t;
    output[k] = -params.per_step * f32(t + 1u);
}
