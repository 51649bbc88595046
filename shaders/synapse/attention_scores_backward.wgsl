// One invocation = one sample: gradients by the weights of the scores and by what was squeezed.
// Twin and equations: src/synapse/attention_scores_backward.rs.

// The gradient by what the score of a frame is the sigmoid of.
fn logit_bar(at: u32) -> f32 {
    return scores_bar[at] * scores[at] * (1.0 - scores[at]);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let second = params.hidden * params.frames;
    let mean = 2u * b * params.frames;
    let most = mean + params.frames;
    for (var f = 0u; f < params.frames; f++) {
        squeezed_bar[mean + f] = 0.0;
        squeezed_bar[most + f] = 0.0;
    }
    for (var j = 0u; j < params.hidden; j++) {
        let by_mean = inner[2u * b * params.hidden + j];
        let by_most = inner[(2u * b + 1u) * params.hidden + j];
        var sum = 0.0;
        for (var f = 0u; f < params.frames; f++) {
            let z_bar = logit_bar(b * params.frames + f);
            let at = second + f * params.hidden + j;
            sum += weights[at] * z_bar;
            gradient[2u * b * second + at] = z_bar * (by_mean + by_most);
        }
        let mean_bar = select(0.0, sum, by_mean > 0.0);
        let most_bar = select(0.0, sum, by_most > 0.0);
        for (var f = 0u; f < params.frames; f++) {
            let at = j * params.frames + f;
            gradient[2u * b * second + at] = mean_bar * squeezed[mean + f] + most_bar * squeezed[most + f];
            squeezed_bar[mean + f] += weights[at] * mean_bar;
            squeezed_bar[most + f] += weights[at] * most_bar;
        }
    }
}
