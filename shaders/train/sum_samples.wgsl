// One invocation = one neuron: sums over the samples. Twin: src/train/sum_samples.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let id = invocation(group, groups, local, WG);
    if id >= params.n {
        return;
    }
    var total = 0.0;
    for (var b = 0u; b < clock.samples; b++) {
        total += x[params.x_at + b * params.n + id];
    }
    sum[params.sum_at + id] = total;
}
