// One invocation = one sample: the scores of its frames. Twin and equations: src/synapse/attention_scores.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    for (var k = 0u; k < 2u * params.hidden; k++) {
        let squeeze = k / params.hidden;
        let j = k % params.hidden;
        var sum = 0.0;
        if ((params.squeezes >> squeeze) & 1u) == 1u {
            for (var f = 0u; f < params.frames; f++) {
                sum += weights[j * params.frames + f] * squeezed[(2u * b + squeeze) * params.frames + f];
            }
        }
        inner[2u * b * params.hidden + k] = max(sum, 0.0);
    }
    let second = params.hidden * params.frames;
    for (var f = 0u; f < params.frames; f++) {
        var z = 0.0;
        for (var j = 0u; j < params.hidden; j++) {
            let at = 2u * b * params.hidden + j;
            z += weights[second + f * params.hidden + j] * (inner[at] + inner[at + params.hidden]);
        }
        let e = exp(-abs(z));
        scores[b * params.frames + f] = select(e, 1.0, z >= 0.0) / (1.0 + e);
    }
}
