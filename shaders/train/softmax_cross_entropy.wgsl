// One invocation = one sample: loss, its gradient by the outputs, the predicted class of each answer.
// Twin and equations: src/train/softmax_cross_entropy.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let first = b * params.answers;
    var count = 0u;
    for (var k = 0u; k < params.answers; k++) {
        count += select(0u, 1u, labels[first + k] < params.classes);
    }
    let asked = f32(max(count, 1u));
    let divisor = asked * f32(clock.samples);
    var loss = 0.0;
    for (var k = 0u; k < params.answers; k++) {
        let row = (first + k) * params.classes;
        let label = labels[first + k];
        var best = 0u;
        for (var c = 1u; c < params.classes; c++) {
            if output[row + c] > output[row + best] {
                best = c;
            }
        }
        predictions[(first + k) * params.slots + clock.slot] = best;
        let is_asked = label < params.classes;
        let highest = output[row + best];
        var sum = 0.0;
        for (var c = 0u; c < params.classes; c++) {
            let e = exp(output[row + c] - highest);
            output_gradient[row + c] = e;
            sum += e;
        }
        for (var c = 0u; c < params.classes; c++) {
            let wanted = select(0.0, 1.0, c == label);
            let slope = (output_gradient[row + c] / sum - wanted) / divisor;
            output_gradient[row + c] = select(0.0, slope, is_asked);
        }
        if is_asked {
            loss += log(sum) - (output[row + label] - highest);
        }
    }
    losses[b * params.slots + clock.slot] = loss / asked;
}
