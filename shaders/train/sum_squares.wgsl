// One invocation = one partial sum. Twin: src/train/sum_squares.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let part = invocation(group, groups, local, WG);
    if part >= params.parts {
        return;
    }
    var sum = 0.0;
    for (var k = part; k < params.count; k += params.parts) {
        let g = params.unit * gradient[params.gradient_at + k];
        sum += g * g;
    }
    sums[params.sums_at + params.first + part] = sum;
}
