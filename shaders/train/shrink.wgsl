// One invocation = one weight. Twin: src/train/shrink.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let most = clock.learning_rate * params.amount;
    let w = weights[params.weights_at + k];
    weights[params.weights_at + k] = w - clamp(w, -most, most);
}
