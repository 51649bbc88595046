// One invocation = one weight: copies it to its place in the transposed tile.
// Twin: src/synapse/transpose.rs.
//!use lib/call.wgsl
//!use lib/panel.wgsl
const PANEL = 64u;
override WG: u32;

struct Params {
    sources: u32,
    width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> transposed: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.sources;
    let j = rank / params.sources;
    if j >= params.width {
        return;
    }
    let origin = panel_column(params.sources, j) + i * panel_stride(params.width, j);
    transposed[panel_column(params.width, i) + j * panel_stride(params.sources, i)] = weights[origin];
}
