// One invocation = one neuron at one step: integrate, take what arrives, threshold, reset.
// Twin and equations: src/neuron/iaf.rs.
//!use lib/slow.wgsl
//!use lib/stepped.wgsl
//!use lib/receptor.wgsl

const SLOW_RISE = 4u;
const SLOW_ADAPTATION = 8u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell_field(CELL + 2u * params.receptors, field, neuron);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let base = invocation(group, groups, 0u, WG);
    let neuron = base + local;
    let rows = STATE + 2u * params.receptors;
    let all_rows = select(rows, 2u * rows, params.slow != 0u);
    let s = params.state_at + neuron / BLOCK * all_rows * BLOCK + local;
    let before = state[s];
    // What no neuron has is neither read nor written.
    let absolute = (params.refractory & 1u) != 0u;
    let relative = (params.refractory & 2u) != 0u;
    var held = 0.0;
    if absolute {
        held = state[s + STATE_HELD * BLOCK];
    }
    let v_th = parameter(CELL_V_TH, neuron);

    var input = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var change = 0.0;
    if NONLINEAR == 1u {
        var conductance = parameter(CELL_P20, neuron);
        for (var r = 0u; r < params.receptors; r++) {
            let g = state[s + (STATE + 2u * r) * BLOCK];
            if receptor_field(r, PORT_CONDUCTANCE) > 0.0 {
                let open = receptor_open(r, g, before);
                conductance += open.g;
                input += open.g_e;
            } else {
                input += g;
            }
        }
        if ADEX == 1u {
            let delta_t = parameter(CELL_DELTA_T, neuron);
            let x = min((min(before, v_th) - parameter(CELL_V_T, neuron)) / delta_t, 60.0);
            let w = state[s + STATE_W * BLOCK];
            input += parameter(CELL_P20, neuron) * delta_t * exp(x) - w;
            let fall = (w - parameter(CELL_A, neuron) * before) * parameter(CELL_FALL_W, neuron);
            advance(s + STATE_W * BLOCK, second_float(SLOW_ADAPTATION, rows), fall);
        }
        change = (before - input / conductance) * exp_m1(-parameter(CELL_FALL_M, neuron) * conductance);
    } else {
        change = parameter(CELL_FALL_M, neuron) * before + parameter(CELL_P20, neuron) * input;
        for (var r = 0u; r < params.receptors; r++) {
            change += parameter(CELL + 2u * r, neuron) * state[s + (STATE + 2u * r) * BLOCK];
            if receptor_field(r, PORT_KIND) == 3.0 {
                change += parameter(CELL + 2u * r + 1u, neuron) * state[s + (STATE + 2u * r + 1u) * BLOCK];
            }
        }
    }

    let slot = slot_now();
    let slow_receptors = second_float(SLOW_RECEPTORS, rows);
    for (var r = 0u; r < params.receptors; r++) {
        let arriving = ring_take(neuron, r, slot);
        change += receptor_step(r, s + (STATE + 2u * r) * BLOCK, slow_receptors, arriving);
    }

    let free = held <= 0.0;
    let slow_v = second_float(SLOW_POTENTIAL, rows);
    let v = advance(s, slow_v, select(0.0, change, free));
    let slow_h = second_float(SLOW_RISE, rows);
    let rise = s + STATE_H * BLOCK;
    var h = 0.0;
    if relative {
        h = advance(rise, slow_h, parameter(CELL_FALL_REL, neuron) * state[rise]);
    }
    let spike = free && v >= v_th + h;
    if absolute {
        state[s + STATE_HELD * BLOCK] = select(max(held - 1.0, 0.0), parameter(CELL_T_REF, neuron), spike);
    }
    if spike {
        if RESET == 0u {
            assign(s, slow_v, parameter(CELL_V_RESET, neuron));
        } else {
            state[s] = v + (parameter(CELL_V_RESET, neuron) - v_th);
        }
        if relative {
            state[rise] = h + parameter(CELL_DELTA_TH, neuron);
        }
        if ADEX == 1u {
            state[s + STATE_W * BLOCK] += parameter(CELL_B, neuron);
        }
    }
    store_spikes(base, local, spike);
}
