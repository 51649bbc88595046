// A workgroup takes one spike of a source after the other, and its invocations the weights of that source.
// Twin and equations: src/plasticity/dense_pre.rs.
//!use lib/call.wgsl
//!use lib/panel.wgsl
const PANEL = 16u;
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
}

//!use lib/slow.wgsl
//!use lib/list.wgsl
//!use lib/learn.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> fired: array<u32>;
@group(0) @binding(4) var<storage, read_write> weight: array<f32>;
@group(0) @binding(5) var<storage, read> y: array<f32>;
@group(0) @binding(6) var<storage, read> x2: array<f32>;
@group(0) @binding(7) var<storage, read> rate: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let list = spike_list(now - params.axonal);
    let y_row = trace_row(now - 1u - params.dendritic, params.all_targets) + params.first_target;
    let x2_row = trace_row(now - 1u - params.axonal, params.sources);
    for (var k = group.y * groups.x + group.x; k < fired[list]; k += groups.x * groups.y) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let source = fired[list + 1u + k] - params.place;
        if source >= params.sources {
            continue;
        }
        let factor = params.pair + params.triplet * x2[x2_row + source];
        for (var j = local; j < params.targets; j += WG) {
            let stride = panel_stride(params.targets, j);
            let at = panel_column(params.sources + params.second, j) + source * stride;
            change_weight(at, params.second * stride, pace() * (params.constant + y[y_row + j] * factor));
        }
    }
}
