// One invocation = one neuron of one sample: its constant current. Twin: src/input/bias.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    if rank / params.n >= clock.samples {
        return;
    }
    current[params.current_at + rank] = i_e[params.i_e_at + rank % params.n];
}
