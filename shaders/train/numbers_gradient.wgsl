// One workgroup = the neurons of a block, or all where they share the number. Twin: src/train/numbers_gradient.rs.

var<workgroup> sums: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let own = invocation(group, groups, 0u, WG) / WG;
    let blocks = (params.n + WG - 1u) / WG;
    let begin = select(own, 0u, params.alike == 1u);
    let end = select(own + 1u, blocks, params.alike == 1u);
    var sum = 0.0;
    for (var block = begin; block < end; block++) {
        let neuron = block * WG + local;
        if neuron < params.n {
            for (var b = 0u; b < clock.samples; b++) {
                let by = (b * blocks + block) * params.rows + params.first;
                for (var k = 0u; k < params.numbers; k++) {
                    let factor = slope[params.slope_at + k * params.n + neuron];
                    sum += factor * adjoint[params.adjoint_at + (by + k) * WG + local];
                }
            }
        }
    }
    sums[local] = sum;
    workgroupBarrier();
    if params.alike == 0u {
        if own * WG + local < params.n {
            gradient[params.gradient_at + own * WG + local] = sum;
        }
    } else if local == 0u {
        var total = 0.0;
        for (var k = 0u; k < WG; k++) {
            total += sums[k];
        }
        gradient[params.gradient_at] = total;
    }
}
