// One invocation = one neuron of one sample: counts its spikes. Twin: src/train/spike_counts.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let words = (params.n + 31u) / 32u;
    let first = b * (params.history + params.steps) + params.history;
    var count = 0.0;
    for (var t = 0u; t < params.steps; t++) {
        let row = first + t;
        if SOFT == 0u {
            count += f32((spikes[params.spikes_at + row * words + id / 32u] >> (id % 32u)) & 1u);
        } else {
            count += soft_spikes[params.soft_spikes_at + row * params.n + id];
        }
    }
    counts[params.counts_at + k] = count * params.factor;
}
