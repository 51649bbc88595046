// One invocation = one number that a modulator moves. Twin and equation: src/plasticity/modulate.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.n {
        return;
    }
    let at = params.first + k / params.group * params.stride + k % params.group;
    let d = concentration[params.concentration_at + params.modulator] - params.rest;
    let factor = max(1.0 + params.scale * d, params.least);
    numbers[params.numbers_at + at] = base[params.base_at + at] * factor + params.shift * d;
}
