// One invocation = one neuron of one sample: the adjoint recursion over the steps of the span,
// last step first. Twin and equations: src/neuron/lif_backward.rs. Turns the tape (distance to
// threshold -> gradient by the arrivals) in place.
//!use lib/surrogate.wgsl

const HELD = -1e9;
const STATE = 3u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell[select(field, field * params.n + neuron, params.own == 1u)];
}

fn fired(b: u32, t: u32, neuron: u32) -> f32 {
    let words = (params.n + 31u) / 32u;
    let row = b * (params.history + params.steps) + params.history + t;
    return f32((spikes[row * words + neuron / 32u] >> (neuron % 32u)) & 1u);
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
    let v_reset = parameter(CELL_V_RESET, id);
    let delta_th = parameter(CELL_DELTA_TH, id);
    let fall_rel = parameter(CELL_FALL_REL, id);
    let per_unit = 1.0 / params.unit;

    var by_v = 0.0;
    var by_i = 0.0;
    var by_h = 0.0;
    var by_input = 0.0;
    let stored = b * STATE * params.n + id;
    if CARRY == 1u && span.t1 < params.steps {
        by_v = adjoint[stored];
        by_i = adjoint[stored + params.n];
        by_h = adjoint[stored + 2u * params.n];
        by_input = input_gradient[b * params.n + id];
    }
    for (var t = span.t1; t > span.t0; t--) {
        let now = t - 1u;
        let at = (b * params.steps + now) * params.n + id;
        let u = tape[at];
        if params.arrivals == 1u {
            tape[at] = by_i;
        }
        if u <= HELD {
            by_h += fall_rel * by_h;
            by_i += fall_syn * by_i;
        } else {
            let x = u * per_unit;
            var by_spike = cotangent[at];
            var spiked = fired(b, now, id);
            if (ATTACHED & 1u) != 0u {
                by_spike += by_v * select(v_reset - v_th, v_reset - (u + v_th), RESET == 0u);
            }
            if (ATTACHED & 2u) != 0u {
                by_spike += by_h * delta_th;
            }
            if SOFT == 2u {
                spiked = surrogate_soft_spike(params.steepness, x);
            }
            let by_u = by_spike * (surrogate_derivative(params.steepness, x) * per_unit);
            let drive = by_v * select(1.0, 1.0 - spiked, RESET == 0u) + by_u;
            by_h = by_h - by_u;
            by_h += fall_rel * by_h;
            by_i += fall_syn * by_i + p21 * drive;
            by_input += p20 * drive;
            by_v = drive + fall_m * drive;
        }
    }
    input_gradient[b * params.n + id] = by_input;
    if CARRY == 1u {
        adjoint[stored] = by_v;
        adjoint[stored + params.n] = by_i;
        adjoint[stored + 2u * params.n] = by_h;
    }
}
