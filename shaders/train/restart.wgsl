// One invocation = one number of state. Twin: src/train/restart.rs.

const BLOCK = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k < params.n && k / BLOCK % params.rows != params.kept {
        state[k] = start[k];
    }
}
