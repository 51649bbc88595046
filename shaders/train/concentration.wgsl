// One invocation = one sample: the concentration of a substance over its window. Twin: src/train/concentration.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let first = b * (params.history + params.steps) + params.history;
    var d = params.start;
    for (var t = 0u; t < params.steps; t++) {
        let at = b * params.steps + t;
        var count = 0u;
        for (var word = 0u; word < params.words; word++) {
            count += countOneBits(spikes[(first + t) * params.words + word]);
        }
        var sum = f32(count);
        for (var k = 0u; k < params.soft; k++) {
            sum += soft_spikes[(first + t) * params.soft + k];
        }
        var change = params.fall * d + params.amount * sum;
        var others = 0.0;
        if params.accumulate == 1u {
            others = acting[at];
        } else {
            change += release[t];
        }
        acting[at] = others + d;
        d += change;
    }
}
