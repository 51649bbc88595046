// One invocation = one recorded neuron. Twin: src/record/sample.rs.
//!use lib/steps.wgsl

const BLOCK = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local, WG);
    if i >= params.count {
        return;
    }
    let every = vec2<u32>(params.every_lo, params.every_hi);
    // Steps from the start of the window to the first of its samples; where an interval is longer than 2^32
    // steps there is only one.
    let first = every.x - remainder_of(step_at(0u), every).x;
    let k = select((span.t1 - first) / max(every.x, 1u), 0u, every.y > 0u);
    let neuron = ids[params.ids_at + i];
    let at = (neuron / BLOCK * params.rows + params.row) * BLOCK + neuron % BLOCK;
    samples[params.samples_at + k * params.count + i] = state[params.state_at + at];
}
