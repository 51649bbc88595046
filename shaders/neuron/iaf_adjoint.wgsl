// Adjoint of neuron/iaf.wgsl: twin and equations in src/neuron/iaf.rs.

// One step back, from the state `s` at its start: the gradients by the state at `a` go from those of its end
// to those of its start. Gives the gradient by the current.
fn neuron_adjoint(s: u32, a: u32, neuron: u32, back: Back) -> f32 {
    let v = state[s];
    let v_th = parameter(CELL_V_TH, neuron);
    let relative = (params.refractory & 2u) != 0u;
    let rise = a + STATE_H * ROW;
    let adaptation = a + STATE_W * ROW;
    let numbers = cell_fields();  // those of receptors begin here

    // What the spike did.
    var by_spike = back.by_spike;
    var by_v = adjoint[a];
    if RESET == 1u {
        by_spike += through_reset(by_v, parameter(CELL_V_RESET, neuron) - v_th);
    } else {
        var threshold = v_th;
        if relative {
            let h = state[s + STATE_H * ROW];
            threshold += h + parameter(CELL_FALL_REL, neuron) * h;
        }
        by_spike += through_reset(by_v, parameter(CELL_V_RESET, neuron) - (back.distance + threshold));
        by_v -= by_v * back.spiked;
    }
    if relative {
        by_spike += through_adaptation(adjoint[rise], parameter(CELL_DELTA_TH, neuron));
    }
    if ADEX == 1u {
        by_spike += through_adaptation(adjoint[adaptation], parameter(CELL_B, neuron));
    }
    let by_distance = by_spike * back.slope;
    if wants_numbers() {
        let by_reset = adjoint[a] * back.spiked;
        add_number(CELL_V_RESET, by_reset);
        add_number(CELL_V_TH, -by_distance - select(0.0, by_reset, RESET == 1u));
        if relative {
            add_number(CELL_DELTA_TH, adjoint[rise] * back.spiked);
            add_number(CELL_FALL_REL, (adjoint[rise] - by_distance) * state[s + STATE_H * ROW]);
        }
        if ADEX == 1u {
            add_number(CELL_B, adjoint[adaptation] * back.spiked);
        }
    }
    by_v += by_distance;
    if relative {
        let by_h = adjoint[rise] - by_distance;
        adjoint[rise] = by_h + parameter(CELL_FALL_REL, neuron) * by_h;
    }

    // What moved the potential, which is held while a neuron is refractory.
    let by_change = select(0.0, by_v, back.distance > HELD);
    let synapses = s + STATE * ROW;
    let by_synapses = a + STATE * ROW;
    for (var r = 0u; r < receptors(); r++) {
        let at = 2u * r * ROW;
        if wants_numbers() {
            add_step_numbers(r, numbers + r * PORT, neuron, synapses + at, by_synapses + at, by_change);
        }
        give_back(neuron, r, receptor_back(r, neuron, by_synapses + at, by_change));
    }
    if NONLINEAR == 0u {
        let by_input = by_change * parameter(CELL_P20, neuron);
        if wants_numbers() {
            add_number(CELL_FALL_M, by_change * v);
            add_number(CELL_P20, by_change * with_stimuli(parameter(CELL_I_E, neuron), neuron));
            add_number(CELL_I_E, by_input);
            for (var r = 0u; r < receptors(); r++) {
                let g = synapses + 2u * r * ROW;
                add_number(CELL + 2u * r, by_change * state[g]);
                if receptor_kind(r) == 3u {
                    add_number(CELL + 2u * r + 1u, by_change * state[g + ROW]);
                }
            }
        }
        for (var r = 0u; r < receptors(); r++) {
            let g = by_synapses + 2u * r * ROW;
            adjoint[g] += by_change * parameter(CELL + 2u * r, neuron);
            if receptor_kind(r) == 3u {
                adjoint[g + ROW] += by_change * parameter(CELL + 2u * r + 1u, neuron);
            }
        }
        adjoint[a] = by_v + by_change * parameter(CELL_FALL_M, neuron);
        return by_input;
    }

    var pull = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var conductance = parameter(CELL_P20, neuron);
    for (var r = 0u; r < receptors(); r++) {
        let g = state[synapses + 2u * r * ROW];
        if is_conductance(r) {
            let open = receptor_open(r, neuron, g, v);
            conductance += open.g;
            pull += open.g_e;
        } else {
            pull += g;
        }
    }
    var slope = 0.0;
    // Derivatives of the pull by p20, v_th, v_t and delta_t.
    var slopes = vec4<f32>();
    if ADEX == 1u {
        let delta_t = parameter(CELL_DELTA_T, neuron);
        let x = (min(v, v_th) - parameter(CELL_V_T, neuron)) / delta_t;
        let power = exp(min(x, 60.0));
        let lifted = parameter(CELL_P20, neuron) * power;
        pull += lifted * delta_t - state[s + STATE_W * ROW];
        let bent = select(0.0, lifted, x < 60.0);
        slope = select(0.0, bent, v < v_th);
        if wants_numbers() {
            slopes = vec4<f32>(power * delta_t, bent - slope, -bent, lifted - bent * x);
        }
    }
    // change = (v - pull / G) (e^(-k G) - 1).
    let v_inf = pull / conductance;
    let k = parameter(CELL_FALL_M, neuron);
    let fall = exp_m1(-k * conductance);
    let by_pull = -by_change * fall / conductance;
    let by_conductance = by_change * (v_inf * fall / conductance - k * (v - v_inf) * (fall + 1.0));
    by_v += by_change * fall;
    if wants_numbers() {
        add_number(CELL_FALL_M, -by_change * (v - v_inf) * conductance * (fall + 1.0));
        add_number(CELL_P20, by_conductance + by_pull * slopes.x);
        add_number(CELL_I_E, by_pull);
    }
    if ADEX == 1u {
        let by_w = adjoint[adaptation];
        let fall_w = parameter(CELL_FALL_W, neuron);
        if wants_numbers() {
            add_number(CELL_V_TH, by_pull * slopes.y);
            add_number(CELL_V_T, by_pull * slopes.z);
            add_number(CELL_DELTA_T, by_pull * slopes.w);
            add_number(CELL_A, -by_w * v * fall_w);
            add_number(CELL_FALL_W, by_w * (state[s + STATE_W * ROW] - parameter(CELL_A, neuron) * v));
        }
        by_v += by_pull * slope - by_w * parameter(CELL_A, neuron) * fall_w;
        adjoint[adaptation] = by_w + by_w * fall_w - by_pull;
    }
    for (var r = 0u; r < receptors(); r++) {
        let at = 2u * r * ROW;
        if is_conductance(r) {
            let by_open = by_conductance + by_pull * receptor_field(r, PORT_E_REV, neuron);
            let by_state = receptor_open_back(r, state[synapses + at], v, by_open);
            if wants_numbers() {
                let open = state[synapses + at] * by_state.z;
                add_open_numbers(r, numbers + r * PORT, open, by_pull, by_state.y);
            }
            adjoint[by_synapses + at] += by_state.x;
            by_v += by_state.y;
        } else {
            adjoint[by_synapses + at] += by_pull;
        }
    }
    adjoint[a] = by_v;
    return by_pull;
}
