// One invocation = four neurons at one step: draws their events and adds them to the ring.
// Twin: src/input/poisson_drive.rs.
//!use lib/philox.wgsl
//!use lib/steps.wgsl

fn is_on(step: vec2<u32>) -> bool {
    let begun = !is_before(step, vec2<u32>(params.start_lo, params.start_hi));
    return begun && is_before(step, vec2<u32>(params.stop_lo, params.stop_hi));
}

// Events of a neuron that has its own table.
fn events(neuron: u32, random: u32) -> u32 {
    let table = first[params.first_at + neuron];
    var count = 0u;
    for (var k = 1u; k <= level[params.level_at + table]; k++) {
        count += select(0u, 1u, random >= level[params.level_at + table + k]);
    }
    return count;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let step = step_at(span.t0);
    if !is_on(step) {
        return;
    }
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let random = philox(vec4<u32>(rank, step.x, step.y, 0u), key);
    var count = vec4<u32>(0u);
    if params.own == 1u {
        for (var lane = 0u; lane < 4u; lane++) {
            count[lane] = events(min(rank * 4u + lane, params.n - 1u), random[lane]);
        }
    } else {
        let table = first[params.first_at];
        for (var k = 1u; k <= level[params.level_at + table]; k++) {
            count += select(vec4<u32>(0u), vec4<u32>(1u), random >= vec4<u32>(level[params.level_at + table + k]));
        }
    }
    let slot = step.x & (params.slots - 1u);
    for (var lane = 0u; lane < 4u; lane++) {
        let neuron = rank * 4u + lane;
        if neuron < params.n {
            let tile = params.first_tile + neuron / params.tile;
            let row = (tile * params.slots + slot) * params.stride + params.receptor;
            ring[params.ring_at + row * params.tile + neuron % params.tile] += count[lane] * params.weight;
        }
    }
}
