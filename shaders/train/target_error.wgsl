// One invocation = one sample: loss, its gradient by the outputs, the largest output or how many are right.
// Twin and equations: src/train/target_error.rs.
//!use lib/target_error.wgsl

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
        let error = error_of(x, wanted);
        loss += error.x;
        output_gradient[row + k] = error.y / f32(clock.samples);
        if x > output[row + best] {
            best = k;
        }
        right += select(0u, 1u, is_right(x, wanted));
    }
    let kept = b * params.slots + clock.slot;
    losses[kept] = loss;
    predictions[kept] = select(best, right, FORM == 2u);
}
