// One invocation = the synapses of one target, at the end of an interval. The shader that uses this has the two
// functions of its rule, `of_target` and `of_source`, and pastes lib/panel.wgsl and lib/slow.wgsl before.
// Twin: src/plasticity/rates.rs.
const PANEL = 16u;

// Where the traces of `n` neurons in this step begin.
fn now_row(n: u32) -> u32 {
    return ((clock.step_lo + span.t0) & (params.slots - 1u)) * ((n + 63u) / 64u * 64u);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let j = invocation(group, groups, local, WG);
    if j >= params.targets {
        return;
    }
    let place = now_row(params.all_targets) + params.first_target + j;
    let r = params.rate * y[params.y_at + place];
    let m = params.mean * y_slow[params.y_slow_at + place];
    let by = of_target(r, m);
    let row = now_row(params.sources);
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
    for (var k = 0u; k < count; k++) {
        let at = first + k * stride;
        var i = k;
        if DENSE == 0u {
            i = origin[params.origin_at + at] & ((1u << params.source_bits) - 1u);
        }
        let r_i = params.rate * x[params.x_at + row + i];
        let part = of_source(r_i, params.mean * x_slow[params.x_slow_at + row + i]);
        let w = weight[params.weight_at + at];
        let rest = at + params.second * stride;
        let sum = advanced(vec2<f32>(w, weight[params.weight_at + rest]), by.x * part - by.y * w);
        let within = clamp(sum.x, params.w_min, params.w_max);
        weight[params.weight_at + at] = within;
        weight[params.weight_at + rest] = select(0.0, sum.y, within == sum.x);
    }
}
