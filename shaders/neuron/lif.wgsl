// One invocation = one neuron of one sample: integrate, threshold, reset, over the steps of the span.
// Twin and equations: src/neuron/lif.rs. Turns the tape (arrivals -> distance to threshold) in
// place, writes spikes as bits of 32 neighbouring neurons. Neurons are padded to whole workgroups,
// so that the 64 invocations of a workgroup belong to one sample.
//!use lib/surrogate.wgsl

const HELD = -1e9;
const STATE = 4u;
var<workgroup> trains: array<u32, WG>;   // spikes of each neuron over up to 32 steps

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell[select(field, field * params.n + neuron, params.own == 1u)];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let padded = (params.n + WG - 1u) / WG * WG;
    let base = invocation(group, groups, 0u, WG);
    let b = base / padded;
    if b >= clock.samples {
        return;
    }
    let neuron = base % padded + local;
    let alive = neuron < params.n;
    let id = min(neuron, params.n - 1u);

    let fall_m = parameter(CELL_FALL_M, id);
    let p21 = parameter(CELL_P21, id);
    let fall_syn = parameter(CELL_FALL_SYN, id);
    let v_th = parameter(CELL_V_TH, id);
    let v_reset = parameter(CELL_V_RESET, id);
    let t_ref = parameter(CELL_T_REF, id);
    let delta_th = parameter(CELL_DELTA_TH, id);
    let fall_rel = parameter(CELL_FALL_REL, id);
    var input = i_e[id];
    if params.statics == 1u {
        input += statics[b * params.n + id];
    }
    let constant = parameter(CELL_P20, id) * input;

    var v = parameter(CELL_V_INIT, id);
    var i = 0.0;
    var held = 0.0;
    var h = 0.0;
    let stored = b * STATE * params.n + id;
    if CARRY == 1u && span.t0 > 0u {
        v = state[stored];
        i = state[stored + params.n];
        held = state[stored + 2u * params.n];
        h = state[stored + 3u * params.n];
    }

    let words = (params.n + 31u) / 32u;
    let rows = params.history + params.steps;
    for (var t = span.t0; t < span.t1; t += 32u) {
        let last = min(t + 32u, span.t1);
        var train = 0u;
        for (var now = t; now < last && alive; now++) {
            let at = (b * params.steps + now) * params.n + id;
            var u = HELD;
            h += fall_rel * h;
            if held > 0.0 {
                held -= 1.0;
            } else {
                v += fall_m * v + p21 * i + constant;
                u = v - (v_th + h);
            }
            let soft_row = (b * rows + params.history + now) * params.n + id;
            var spiked = 0.0;
            if SOFT > 0u {
                if u > HELD {
                    spiked = surrogate_soft_spike(params.steepness, u / params.unit);
                }
                soft_spikes[soft_row] = spiked;
            }
            if SOFT < 2u {
                spiked = select(0.0, 1.0, u >= 0.0);
            }
            if SOFT == 2u {
                v += spiked * select(v_reset - v_th, v_reset - v, RESET == 0u);
            } else if u >= 0.0 {
                v = select(v + (v_reset - v_th), v_reset, RESET == 0u);
            }
            if u >= 0.0 {
                held = t_ref;
                train |= 1u << (now - t);
            }
            h += delta_th * spiked;
            i += fall_syn * i;
            if params.arrivals == 1u {
                i += tape[at];
            }
            tape[at] = u;
        }
        // 64 trains over 32 steps become two words for each of 32 steps: invocation k makes the
        // word of neurons 32 (k / 32).. at step k % 32.
        trains[local] = train;
        workgroupBarrier();
        let step = local % 32u;
        let first = local - step;
        let word = (neuron - step) / 32u;
        if t + step < last && word < words {
            var bits = 0u;
            for (var k = 0u; k < 32u; k++) {
                bits |= ((trains[first + k] >> step) & 1u) << k;
            }
            spikes[(b * rows + params.history + t + step) * words + word] = bits;
        }
        workgroupBarrier();
    }

    if CARRY > 0u && alive {
        state[stored] = v;
        state[stored + params.n] = i;
        state[stored + 2u * params.n] = held;
        state[stored + 3u * params.n] = h;
    }
}
