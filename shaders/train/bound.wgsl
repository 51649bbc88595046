// One invocation = one number. Twin: src/train/bound.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let now = x[params.x_at + k];
    let above = select(now, params.low, now < params.low);
    x[params.x_at + k] = select(above, params.high, above > params.high);
}
