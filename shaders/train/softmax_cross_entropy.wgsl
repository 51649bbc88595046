// One invocation = one sample: loss, its gradient by the outputs, the predicted class.
// Twin: src/train/softmax_cross_entropy.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let row = b * params.classes;
    let label = labels[b];
    var best = 0u;
    for (var c = 1u; c < params.classes; c++) {
        if output[row + c] > output[row + best] {
            best = c;
        }
    }
    let highest = output[row + best];
    var sum = 0.0;
    for (var c = 0u; c < params.classes; c++) {
        let e = exp(output[row + c] - highest);
        output_gradient[row + c] = e;
        sum += e;
    }
    for (var c = 0u; c < params.classes; c++) {
        let wanted = select(0.0, 1.0, c == label);
        output_gradient[row + c] = (output_gradient[row + c] / sum - wanted) / f32(clock.samples);
    }
    let kept = b * params.slots + clock.slot;
    losses[kept] = log(sum) - (output[row + label] - highest);
    predictions[kept] = best;
}
