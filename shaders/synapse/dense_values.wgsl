// One invocation = one element of the result: the product of a row of values with a column of the
// matrix. Twin: src/synapse/dense_values.rs.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let rows = min(span.t1, params.rows) - span.t0;
    let j = rank % params.width;
    let t = span.t0 + rank / params.width % rows;
    let b = rank / params.width / rows;
    if b >= clock.samples {
        return;
    }
    let at = (b * params.rows + t) * params.targets + params.first + j;
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = out[at];
    }
    if t + params.shift < params.source_rows {
        let row = (b * params.source_rows + t + params.shift) * params.source_stride + params.source_first;
        let column = panel_column(params.sources, j);
        let stride = panel_stride(params.width, j);
        for (var i = 0u; i < params.sources; i++) {
            let x = values[row + i];
            if x != 0.0 {
                sum += x * weights[column + i * stride];
            }
        }
    }
    out[at] = sum;
}
