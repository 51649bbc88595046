// One invocation = one weight: sums value times gradient by arrival.
// Twin: src/synapse/dense_values_gradient.rs.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let j = rank % params.width;
    let i = rank / params.width;
    if i >= params.sources {
        return;
    }
    var sum = 0.0;
    for (var b = 0u; b < clock.samples; b++) {
        for (var t = 0u; t < params.rows; t++) {
            let x = values[(b * params.source_rows + params.shift + t) * params.sources + i];
            if x != 0.0 {
                sum += x * arrivals[(b * params.rows + t) * params.targets + params.first + j];
            }
        }
    }
    gradient[panel_column(params.sources, j) + i * panel_stride(params.width, j)] = sum;
}
