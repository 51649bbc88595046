// A workgroup takes one spike after the other, and its invocations the weights of the source.
// Twin: src/synapse/deliver_dense.rs.
//!use lib/call.wgsl
//!use lib/panel.wgsl
override WG: u32;
override SHORT_TERM: u32;

struct Params {
    sources: u32,
    targets: u32,
    first_target: u32,
    place: u32,
    slots: u32,
    list: u32,
    tile: u32,
    first_tile: u32,
    ring_slots: u32,
    stride: u32,
    receptor: u32,
    delay: u32,
    units: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> fired: array<u32>;
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read> efficacy: array<f32>;
@group(0) @binding(6) var<storage, read_write> ring: array<atomic<u32>>;

// Where what arrives at a target in a slot of the ring lies.
fn ring_place(target_id: u32, slot: u32) -> u32 {
    let tile = params.first_tile + target_id / params.tile;
    return ((tile * params.ring_slots + slot) * params.stride + params.receptor) * params.tile + target_id % params.tile;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let list = (now & (params.slots - 1u)) * params.list;
    for (var k = group.y * groups.x + group.x; k < fired[list]; k += groups.x * groups.y) {
        // Sources of others are beyond the end, or before the start and wrap around.
        let source = fired[list + 1u + k] - params.place;
        if source >= params.sources {
            continue;
        }
        var factor = params.units;
        if SHORT_TERM == 1u {
            factor *= efficacy[source];
        }
        let slot = (now + params.delay) & (params.ring_slots - 1u);
        for (var j = local; j < params.targets; j += WG) {
            let at = panel_column(params.sources, j) + source * panel_stride(params.targets, j);
            let units = bitcast<u32>(i32(round(weight[at] * factor)));
            atomicAdd(&ring[ring_place(params.first_target + j, slot)], units);
        }
    }
}
