// A workgroup takes one spike of a target after the other, and its invocations the weights of that target.
// Twin and equations: src/plasticity/dense_post.rs.
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
@group(0) @binding(5) var<storage, read> x: array<f32>;
@group(0) @binding(6) var<storage, read> y2: array<f32>;
@group(0) @binding(7) var<storage, read> rate: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let list = spike_list(now - params.dendritic);
    let x_row = trace_row(now - 1u - params.axonal, params.sources);
    let y2_row = trace_row(now - 1u - params.dendritic, params.all_targets) + params.first_target;
    for (var k = group.y * groups.x + group.x; k < fired[list]; k += groups.x * groups.y) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let j = fired[list + 1u + k] - params.place;
        if j >= params.targets {
            continue;
        }
        let factor = params.pair + params.triplet * y2[y2_row + j];
        let column = panel_column(params.sources + params.second, j);
        let stride = panel_stride(params.targets, j);
        for (var source = local; source < params.sources; source += WG) {
            let at = column + source * stride;
            let change = pace() * (params.constant + x[x_row + source] * factor);
            change_weight(at, params.second * stride, change);
        }
    }
}
