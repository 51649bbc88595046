// One invocation = one weight: copies it to its place in the transposed tile.
// Twin: src/synapse/transpose.rs.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.sources;
    let j = rank / params.sources;
    if j >= params.width {
        return;
    }
    let origin = panel_column(params.sources, j) + i * panel_stride(params.width, j);
    transposed[params.transposed_at + panel_column(params.width, i) + j * panel_stride(params.sources, i)] = weights[params.weights_at + origin];
}
