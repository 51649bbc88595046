// One invocation = one neuron of one sample: the adjoint recursion, last step first.
// Twin and equations: src/neuron/readout_backward.rs. Writes the gradient by the arrivals on the tape.

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
    var by_v = 0.0;
    var by_i = 0.0;
    var by_input = 0.0;
    var by_share = 0.0;
    // Parts that are to come, and the first step behind the last of them.
    var part = params.parts;
    var behind = params.begin + params.parts * params.length;
    for (var t = params.steps; t > 0u; t--) {
        if t == behind {
            by_share = 0.0;
            if part > 0u {
                part -= 1u;
                by_share = output_gradient[(b * params.parts + part) * params.n + id] / params.v_unit / params.share;
                behind -= params.length;
            }
        }
        var here = by_share;
        if OVER == 1u {
            here = select(0.0, output_gradient[rank] / params.v_unit, t - 1u == peak[rank]);
        }
        let drive = by_v + here;
        tape[(b * params.steps + t - 1u) * params.n + id] = by_i;
        by_i += fall_syn * by_i + p21 * drive;
        by_input += p20 * drive;
        by_v = drive + fall_m * drive;
    }
    input_gradient[rank] = by_input;
}
