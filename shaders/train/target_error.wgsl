// One invocation = one sample: loss, its gradient by the outputs, the largest output or how many are right.
// Twin and equations: src/train/target_error.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let row = b * params.outputs;
    var loss = 0.0;
    var best = 0u;
    var right = 0u;
    for (var k = 0u; k < params.outputs; k++) {
        let x = output[row + k];
        let wanted = targets[row + k];
        let e = x - wanted;
        var error = e * e;
        var slope = 2.0 * e;
        if FORM == 1u {
            slope = clamp(e, -params.delta, params.delta);
            error = slope * (e - 0.5 * slope);
        } else if FORM == 2u {
            let decay = exp(-abs(x));
            error = max(x, 0.0) - x * wanted + log(1.0 + decay);
            slope = select(decay, 1.0, x > 0.0) / (1.0 + decay) - wanted;
        }
        loss += error;
        output_gradient[row + k] = slope / f32(clock.samples);
        if x > output[row + best] {
            best = k;
        }
        right += select(0u, 1u, (x > 0.0) == (wanted > 0.5));
    }
    let kept = b * params.slots + clock.slot;
    losses[kept] = loss;
    predictions[kept] = select(best, right, FORM == 2u);
}
