// One invocation = one weight. Twin: src/train/scale.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k < params.count {
        scaled[params.scaled_at + k] = params.factor * weights[params.weights_at + k];
    }
}
