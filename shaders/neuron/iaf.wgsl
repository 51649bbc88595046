// Integrate-and-fire neuron at one step: integrate, take what arrives, threshold, reset.
// Twin and equations: src/neuron/iaf.rs.

const SLOW_RISE = 4u;
const SLOW_ADAPTATION = 8u;

fn cell_fields() -> u32 {
    return CELL + 2u * receptors();
}

fn state_rows() -> u32 {
    return STATE + 2u * receptors();
}

fn neuron_step(s: u32, neuron: u32) -> bool {
    let before = state[s];
    // What no neuron has is neither read nor written.
    let absolute = (params.refractory & 1u) != 0u;
    let relative = (params.refractory & 2u) != 0u;
    var held = 0.0;
    if absolute {
        held = state[s + STATE_HELD * ROW];
    }
    let v_th = parameter(CELL_V_TH, neuron);

    var input = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var change = 0.0;
    if NONLINEAR == 1u {
        var conductance = parameter(CELL_P20, neuron);
        for (var r = 0u; r < receptors(); r++) {
            let g = state[s + (STATE + 2u * r) * ROW];
            if is_conductance(r) {
                let open = receptor_open(r, neuron, g, before);
                conductance += open.g;
                input += open.g_e;
            } else {
                input += g;
            }
        }
        if ADEX == 1u {
            let delta_t = parameter(CELL_DELTA_T, neuron);
            let x = min((min(before, v_th) - parameter(CELL_V_T, neuron)) / delta_t, 60.0);
            let w = state[s + STATE_W * ROW];
            input += parameter(CELL_P20, neuron) * delta_t * exp(x) - w;
            let fall = (w - parameter(CELL_A, neuron) * before) * parameter(CELL_FALL_W, neuron);
            advance(s + STATE_W * ROW, has_second_float(SLOW_ADAPTATION), fall);
        }
        change = (before - input / conductance) * exp_m1(-parameter(CELL_FALL_M, neuron) * conductance);
    } else {
        change = parameter(CELL_FALL_M, neuron) * before + parameter(CELL_P20, neuron) * input;
        for (var r = 0u; r < receptors(); r++) {
            change += parameter(CELL + 2u * r, neuron) * state[s + (STATE + 2u * r) * ROW];
            if receptor_kind(r) == 3u {
                change += parameter(CELL + 2u * r + 1u, neuron) * state[s + (STATE + 2u * r + 1u) * ROW];
            }
        }
    }

    let slow_receptors = has_second_float(SLOW_RECEPTORS);
    for (var r = 0u; r < receptors(); r++) {
        change += receptor_step(r, neuron, s + (STATE + 2u * r) * ROW, slow_receptors, arriving(neuron, r));
    }

    let free = held <= 0.0;
    let slow_v = has_second_float(SLOW_POTENTIAL);
    let v = advance(s, slow_v, select(0.0, change, free));
    let slow_h = has_second_float(SLOW_RISE);
    let rise = s + STATE_H * ROW;
    var h = 0.0;
    if relative {
        h = advance(rise, slow_h, parameter(CELL_FALL_REL, neuron) * state[rise]);
    }
    let spike = decided(free, v, v_th + h);
    if absolute {
        state[s + STATE_HELD * ROW] = select(max(held - 1.0, 0.0), parameter(CELL_T_REF, neuron), spike);
    }
    var reset = parameter(CELL_V_RESET, neuron);
    if RESET == 1u {
        reset = v + (reset - v_th);
    } else if spike && slow_v {
        state[s + second_floats()] = 0.0;
    }
    state[s] = after_spike(spike, v, reset);
    if relative {
        state[rise] = after_spike(spike, h, h + parameter(CELL_DELTA_TH, neuron));
    }
    if ADEX == 1u {
        let adaptation = state[s + STATE_W * ROW];
        state[s + STATE_W * ROW] = after_spike(spike, adaptation, adaptation + parameter(CELL_B, neuron));
    }
    return spike;
}
