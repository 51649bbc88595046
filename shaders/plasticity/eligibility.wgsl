// One invocation = one projection over a step. Twin and equations: src/plasticity/eligibility.rs.

const GROWTH = 1u;
const INTEGRAL = 2u;

//!use lib/interval.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if invocation(group, groups, local, WG) > 0u {
        return;
    }
    let phase = f32((remainder(clock.step_hi, clock.step_lo, params.epoch) + span.t0) % params.epoch);
    let steps = (remainder(clock.step_hi, clock.step_lo, params.every) + span.t0) % params.every;
    let excess = concentration[params.modulator] - params.rest;
    let before = select(rate[INTEGRAL], 0.0, steps == 0u);
    let met = params.by_rest + params.by_excess * excess;
    rate[INTEGRAL] = before + exp(-phase * params.per_tau) * met;
    rate[GROWTH] = exp((phase + 1.0) * params.per_tau);
}
