// One invocation = one weight. Twin: src/train/adjust.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let scale = params.scale * factor[params.factor_at];
    let g = gradient[params.gradient_at + k];
    gradient[params.gradient_at + k] = scale * g + params.decay * weights[params.weights_at + k];
}
