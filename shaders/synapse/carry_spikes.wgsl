// One invocation = one word. Twin: src/synapse/carry_spikes.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let word = invocation(group, groups, local, WG);
    if word < params.words {
        rows[word] = kept[END * span.t1 * params.row + word];
    }
}
