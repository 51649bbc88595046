// A workgroup takes one spike after the other, and its invocations the synapses of the source, group by
// group of delays. Twin: src/synapse/deliver_sparse.rs.
//!use lib/call.wgsl
override WG: u32;
override SHORT_TERM: u32;

struct Params {
    sources: u32,
    targets: u32,
    first_target: u32,
    rows: u32,
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
    groups: u32,
    target_bits: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> fired: array<u32>;
@group(0) @binding(4) var<storage, read> begin: array<u32>;
@group(0) @binding(5) var<storage, read> outgoing: array<u32>;
@group(0) @binding(6) var<storage, read> start: array<u32>;
@group(0) @binding(7) var<storage, read> weight: array<f32>;
@group(0) @binding(8) var<storage, read> efficacy: array<f32>;
@group(0) @binding(9) var<storage, read_write> ring: array<atomic<u32>>;

//!use lib/list.wgsl
//!use lib/deliver.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let list = spike_list(now);
    for (var k = group.y * groups.x + group.x; k < fired[list]; k += groups.x * groups.y) {
        // Sources of others are beyond the end, or before the start and wrap around.
        let source = fired[list + 1u + k] - params.place;
        if source >= params.sources {
            continue;
        }
        let factor = carried(source);
        for (var delay = 0u; delay < params.groups; delay++) {
            let row = source * params.groups + delay;
            for (var s = begin[row] + local; s < begin[row + 1u]; s += WG) {
                let j = outgoing[s] & ((1u << params.target_bits) - 1u);
                let w = weight[start[j] + (outgoing[s] >> params.target_bits)];
                arrive(j, now + params.delay + delay, w * factor);
            }
        }
    }
}
