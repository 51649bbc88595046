// One invocation = the synapses of one target, at the end of an interval.
// Twin and equations: src/plasticity/rates.rs.
//!use lib/panel.wgsl
//!use lib/slow.wgsl
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
    let of_target = now_row(params.all_targets) + params.first_target + j;
    let r = params.rate * y[params.y_at + of_target];
    let m = params.mean * y_slow[params.y_slow_at + of_target];
    var factor = params.eta * r;
    var decay = 0.0;
    if RULE == 1u {
        decay = params.eta * r * r / params.unit;
    } else if RULE == 2u {
        factor = params.eta * (r - m);
    } else if RULE == 3u {
        factor = params.eta * r * (r - m * m / params.rho) / params.rho;
    } else if RULE == 4u {
        factor = 0.0;
        decay = params.eta * (m - params.rho);
    }
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
        var r_i = params.rate * x[params.x_at + row + i];
        if RULE == 2u {
            r_i -= params.mean * x_slow[params.x_slow_at + row + i];
        }
        let w = weight[params.weight_at + at];
        let rest = at + params.second * stride;
        let sum = advanced(vec2<f32>(w, weight[params.weight_at + rest]), factor * r_i - decay * w);
        let within = clamp(sum.x, params.w_min, params.w_max);
        weight[params.weight_at + at] = within;
        weight[params.weight_at + rest] = select(0.0, sum.y, within == sum.x);
    }
}
