// One invocation = one neuron of one sample: integrate over the steps of the window, reduce over
// time. Twin and equations: src/neuron/readout.rs. Turns the tape (arrivals -> potential) in place.

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
    let fall_syn = parameter(CELL_FALL_SYN, id);
    var input = i_e[id];
    if params.statics == 1u {
        input += statics[rank];
    }
    let constant = parameter(CELL_P20, id) * input;

    var v = 0.0;
    var i = 0.0;
    var sum = 0.0;
    var best = -3.0e38;
    var when = 0u;
    var part = 0u;
    var behind = params.begin + params.length;
    for (var t = span.t0; t < span.t1; t++) {
        let at = (b * params.steps + t) * params.n + id;
        v += fall_m * v + p21 * i + constant;
        i += fall_syn * i;
        if params.arrivals == 1u {
            i += tape[at];
        }
        tape[at] = v;
        if (t >= params.begin) && (part < params.parts) {
            sum += v;
            if t + 1u == behind {
                output[(b * params.parts + part) * params.n + id] = sum / params.share / params.v_unit;
                sum = 0.0;
                part += 1u;
                behind += params.length;
            }
        }
        if v > best {
            best = v;
            when = t;
        }
    }
    if OVER == 1u {
        output[rank] = best / params.v_unit;
    }
    peak[rank] = when;
}
