// One invocation = one sample: keeps its number. Twin: src/record/log_reals.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    ring[params.ring_at + clock.slot * params.batch + b] = x[params.x_at + b];
}
