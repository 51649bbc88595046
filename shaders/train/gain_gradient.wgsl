// One invocation = one step of one sample: the gradient by a concentration. Twin: src/train/gain_gradient.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let rows = min(span.t1, params.steps) - span.t0;
    let b = k / rows;
    if b >= clock.samples {
        return;
    }
    let row = (b * params.steps + span.t0) + (k % rows);
    var sum = 0.0;
    if 1.0 + params.slope * acting[row] > 0.0 {
        for (var j = 0u; j < params.n; j++) {
            sum += kept[row * params.n + j] * by_taken[row * params.width + params.first + j];
        }
    }
    var others = 0.0;
    if params.accumulate == 1u {
        others = by_level[row];
    }
    by_level[row] = others + params.slope * sum;
}
