// A workgroup takes one spike of a target after the other, and its invocations the synapses of that target.
// Twin and equations: src/plasticity/sparse_post.rs.
//!use lib/call.wgsl
override WG: u32;
override BOUNDED: u32;

struct Params {
    sources: u32,
    targets: u32,
    first_target: u32,
    all_targets: u32,
    place: u32,
    slots: u32,
    list: u32,
    second: u32,
    axonal: u32,
    dendritic: u32,
    constant: f32,
    pair: f32,
    triplet: f32,
    w_min: f32,
    w_max: f32,
    mu_up: f32,
    mu_down: f32,
    spread: u32,
    source_bits: u32,
}

//!use lib/slow.wgsl
//!use lib/list.wgsl
//!use lib/learn.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> fired: array<u32>;
@group(0) @binding(4) var<storage, read> start: array<u32>;
@group(0) @binding(5) var<storage, read> origin: array<u32>;
@group(0) @binding(6) var<storage, read_write> weight: array<f32>;
@group(0) @binding(7) var<storage, read> x: array<f32>;
@group(0) @binding(8) var<storage, read> y2: array<f32>;
@group(0) @binding(9) var<storage, read> rate: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let list = spike_list(now - params.dendritic);
    let y2_row = trace_row(now - 1u - params.dendritic, params.all_targets);
    for (var k = group.y * groups.x + group.x; k < fired[list]; k += groups.x * groups.y) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let j = fired[list + 1u + k] - params.place;
        if j >= params.targets {
            continue;
        }
        let factor = params.pair + params.triplet * y2[y2_row + j];
        for (var s = start[j] + local; s < start[j + 1u]; s += WG) {
            let source = origin[s] & ((1u << params.source_bits) - 1u);
            let sent = now - params.axonal - (origin[s] >> params.source_bits) * params.spread;
            let x_now = x[trace_row(sent - 1u, params.sources) + source];
            change_weight(s, params.second, pace() * (params.constant + x_now * factor));
        }
    }
}
