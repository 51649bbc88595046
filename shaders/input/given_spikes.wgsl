// One invocation = one word of a row of a step. Twin: src/input/given_spikes.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let t = rank / params.words;
    if t < span.t1 {
        spikes[t * params.row + params.first + rank % params.words] = given[rank];
    }
}
