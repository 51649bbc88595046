// One invocation = one source of one sample: its value. Twin: src/input/constant.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let b = rank / params.n;
    let id = rank % params.n;
    if b >= clock.samples {
        return;
    }
    let word = pixels[b * ((params.n + 3u) / 4u) + id / 4u];
    values[rank] = params.scale * f32((word >> (8u * (id % 4u))) & 255u);
}
