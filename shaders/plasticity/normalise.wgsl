// One invocation = one target, at the end of an interval. Twin: src/plasticity/normalise.rs.
//!use lib/panel.wgsl
//!use lib/slow.wgsl
const PANEL = 16u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let j = invocation(group, groups, local, WG);
    if j >= params.targets {
        return;
    }
    var first = 0u;
    var stride = 1u;
    var count = params.sources;
    if DENSE == 1u {
        first = panel_column(params.sources + params.second, j);
        stride = panel_stride(params.targets, j);
    } else {
        first = start[params.start_at + j];
        count = start[params.start_at + j + 1u] - first;
    }
    var total = 0.0;
    for (var i = 0u; i < count; i++) {
        total += abs(weight[params.weight_at + first + i * stride]);
    }
    if total <= 0.0 {
        return;
    }
    let factor = params.sum / total;
    let relative = (params.sum - total) / total;
    for (var i = 0u; i < count; i++) {
        let at = first + i * stride;
        let w = weight[params.weight_at + at];
        if params.second == 0u {
            weight[params.weight_at + at] = clamp(w * factor, params.w_min, params.w_max);
            continue;
        }
        let rest = at + params.second * stride;
        let sum = advanced(vec2<f32>(w, weight[params.weight_at + rest]), w * relative);
        let within = clamp(sum.x, params.w_min, params.w_max);
        weight[params.weight_at + at] = within;
        weight[params.weight_at + rest] = select(0.0, sum.y, within == sum.x);
    }
}
