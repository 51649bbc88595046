// One invocation = one word of the row. Twin: src/input/given_spikes.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let word = invocation(group, groups, local, WG);
    if word < params.words {
        spikes[params.spikes_at + span.t0 * params.row + params.first + word] = given[params.given_at + span.t0 * params.words + word];
    }
}
