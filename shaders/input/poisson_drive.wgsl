// One invocation = four neurons at one step: draws their events and adds them to the ring.
// Twin: src/input/poisson_drive.rs.
//!use lib/call.wgsl
//!use lib/philox.wgsl
override WG: u32;

struct Params {
    n: u32,
    tile: u32,
    first_tile: u32,
    slots: u32,
    stride: u32,
    receptor: u32,
    weight: u32,
    levels: u32,
    stream: u32,
    start_lo: u32,
    start_hi: u32,
    stop_lo: u32,
    stop_hi: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> level: array<u32>;
@group(0) @binding(4) var<storage, read_write> ring: array<u32>;

//!use lib/steps.wgsl

fn is_on(step: vec2<u32>) -> bool {
    let begun = !is_before(step, vec2<u32>(params.start_lo, params.start_hi));
    return begun && is_before(step, vec2<u32>(params.stop_lo, params.stop_hi));
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
    for (var k = 0u; k < params.levels; k++) {
        count += select(vec4<u32>(0u), vec4<u32>(1u), random >= vec4<u32>(level[k]));
    }
    let slot = step.x & (params.slots - 1u);
    for (var lane = 0u; lane < 4u; lane++) {
        let neuron = rank * 4u + lane;
        if neuron < params.n {
            let tile = params.first_tile + neuron / params.tile;
            let row = (tile * params.slots + slot) * params.stride + params.receptor;
            ring[row * params.tile + neuron % params.tile] += count[lane] * params.weight;
        }
    }
}
