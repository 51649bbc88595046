// One invocation = one projection over a step. Twin and equations: src/plasticity/eligibility.rs.
//!use lib/steps.wgsl

const GROWTH = 1u;
const INTEGRAL = 2u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if invocation(group, groups, local, WG) > 0u {
        return;
    }
    let since = f32(phase(span.t0, params.epoch));
    let excess = concentration[params.concentration_at + params.modulator] - params.rest;
    let before = select(rate[params.rate_at + INTEGRAL], 0.0, phase(span.t0, params.every) == 0u);
    let met = params.by_rest + params.by_excess * excess;
    rate[params.rate_at + INTEGRAL] = before + exp(-since * params.per_tau) * met;
    rate[params.rate_at + GROWTH] = exp((since + 1.0) * params.per_tau);
}
