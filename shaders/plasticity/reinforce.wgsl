// One invocation = one synapse, at the end of an interval. Twin and equations: src/plasticity/reinforce.rs.
//!use lib/slow.wgsl
//!use lib/steps.wgsl

const INTEGRAL = 2u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.n {
        return;
    }
    // Blocks are full, but for the last.
    let first = k / params.block * params.block;
    let at = 2u * first + k - first;
    let rest = at + min(params.block, params.n - first);
    let change = params.gain * (mark[params.mark_at + at] * rate[params.rate_at + INTEGRAL] - mark[params.mark_at + rest]);
    let sum = advanced(vec2<f32>(weight[params.weight_at + at], weight[params.weight_at + rest]), change);
    let within = clamp(sum.x, params.w_min, params.w_max);
    weight[params.weight_at + at] = within;
    weight[params.weight_at + rest] = select(0.0, sum.y, within == sum.x);
    mark[params.mark_at + rest] = 0.0;
    if phase(span.t0 + 1u, params.epoch) == 0u {
        let faded = params.decay * mark[params.mark_at + at];
        mark[params.mark_at + at] = select(faded, 0.0, abs(faded) < 1e-30);
    }
}
