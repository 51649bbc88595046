// One invocation = one neuron at one step: the next value of its noise current.
// Twin and equations: src/input/noise.rs.
//!use lib/philox.wgsl
//!use lib/normal.wgsl
//!use lib/steps.wgsl

fn is_on(step: vec2<u32>) -> bool {
    let begun = !is_before(step, vec2<u32>(params.start_lo, params.start_hi));
    return begun && is_before(step, vec2<u32>(params.stop_lo, params.stop_hi));
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let neuron = invocation(group, groups, local, WG);
    if neuron >= params.n {
        return;
    }
    let step = step_at(span.t0);
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let words = philox(vec4<u32>(neuron / 2u, step.x, step.y, 0u), key);
    let pair = select(words.xy, words.zw, neuron % 2u == 1u);
    let last = process[params.process_at + neuron];
    let x = last + (params.fall * last + params.fresh * normal_of(pair));
    process[params.process_at + neuron] = x;
    let before = select(0.0, current[params.current_at + neuron], params.accumulate == 1u);
    let own = select(0u, neuron, params.own == 1u);
    let deviation_now = deviation[params.deviation_at + own] * strength[params.strength_at];
    let now = mean[params.mean_at + own] + deviation_now * x;
    current[params.current_at + neuron] = before + select(0.0, now, is_on(step));
}
