// One invocation = one neuron of one sample: the adjoint recursion by times of spikes over the steps of the span, last
// step first. Twin and equations: src/neuron/lif_eventprop.rs. Turns the tape (distance to threshold -> gradient by the
// arrivals) in place.

const STATE = 2u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell[select(field, field * params.n + neuron, params.own == 1u)];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let b = rank / params.n;
    let id = rank % params.n;
    if b >= clock.samples {
        return;
    }
    let fall_m = parameter(CELL_FALL_M, id);
    let p21 = parameter(CELL_P21, id);
    let p20 = parameter(CELL_P20, id);
    let fall_syn = parameter(CELL_FALL_SYN, id);
    let v_th = parameter(CELL_V_TH, id);
    let reset_at = parameter(CELL_V_RESET, id) - v_th;
    var pushed_at = params.steps;
    if params.pushed == 1u {
        pushed_at = peak[rank];
    }
    let push = params.push / f32(clock.samples);

    var by_v = 0.0;
    var by_i = 0.0;
    var by_input = 0.0;
    let stored = b * STATE * params.n + id;
    if CARRY == 1u && span.t1 < params.steps {
        by_v = adjoint[stored];
        by_i = adjoint[stored + params.n];
        by_input = input_gradient[rank];
    }
    for (var t = span.t1; t > span.t0; t--) {
        let now = t - 1u;
        let at = (b * params.steps + now) * params.n + id;
        let u = tape[at];
        if params.arrivals == 1u {
            tape[at] = by_i;
        }
        if now == pushed_at {
            by_v -= push;
        }
        if u >= 0.0 {
            var before = parameter(CELL_V_INIT, id) - v_th;
            if now > 0u {
                before = tape[at - params.n];
            }
            if before >= 0.0 {
                before = reset_at;
            }
            let rise = max(u - before, params.least_rise);
            var by_time = 0.0;
            if t < params.steps {
                by_time = cotangent[at + params.n] - cotangent[at];
            }
            by_v += (fall_m * reset_at * by_v - by_time) / rise;
        }
        by_i += fall_syn * by_i + p21 * by_v;
        by_input += p20 * by_v;
        by_v += fall_m * by_v;
    }
    input_gradient[rank] = by_input;
    if CARRY == 1u {
        adjoint[stored] = by_v;
        adjoint[stored + params.n] = by_i;
    }
}
