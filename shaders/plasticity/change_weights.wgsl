// One invocation = one weight. Twin: src/plasticity/change_weights.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let w = weights[params.weights_at + k] + change[params.change_at + k];
    weights[params.weights_at + k] = clamp(w, params.w_min, params.w_max);
}
