// One invocation = one neuron at one step: adds its part of a current.
// Twin: src/input/current.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let neuron = invocation(group, groups, local, WG);
    if neuron >= params.n {
        return;
    }
    let before = select(0.0, current[params.current_at + neuron], params.accumulate == 1u);
    let part = factor[params.factor_at + neuron] * course[params.course_at + span.t0];
    current[params.current_at + neuron] = before + part;
}
