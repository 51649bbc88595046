// Adjoint of neuron/iaf.wgsl: twin and equations in src/neuron/iaf.rs.

// One step back, from the state `s` at its start: the gradients by the state at `a` go from those of its end
// to those of its start. Gives the gradient by the current.
fn neuron_adjoint(s: u32, a: u32, neuron: u32, back: Back) -> f32 {
    let v = state[s];
    let v_th = parameter(CELL_V_TH, neuron);
    let relative = (params.refractory & 2u) != 0u;
    let rise = a + STATE_H * BLOCK;
    let adaptation = a + STATE_W * BLOCK;

    // What the spike did.
    var by_spike = back.by_spike;
    var by_v = adjoint[a];
    if RESET == 1u {
        by_spike += through_reset(by_v, parameter(CELL_V_RESET, neuron) - v_th);
    } else {
        var threshold = v_th;
        if relative {
            let h = state[s + STATE_H * BLOCK];
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
    by_v += by_distance;
    if relative {
        let by_h = adjoint[rise] - by_distance;
        adjoint[rise] = by_h + parameter(CELL_FALL_REL, neuron) * by_h;
    }

    // What moved the potential, which is held while a neuron is refractory.
    let by_change = select(0.0, by_v, back.distance > HELD);
    let synapses = s + STATE * BLOCK;
    let by_synapses = a + STATE * BLOCK;
    for (var r = 0u; r < params.receptors; r++) {
        give_back(neuron, r, receptor_back(r, by_synapses + 2u * r * BLOCK, by_change));
    }
    if NONLINEAR == 0u {
        for (var r = 0u; r < params.receptors; r++) {
            let g = by_synapses + 2u * r * BLOCK;
            adjoint[g] += by_change * parameter(CELL + 2u * r, neuron);
            if receptor_field(r, PORT_KIND) == 3.0 {
                adjoint[g + BLOCK] += by_change * parameter(CELL + 2u * r + 1u, neuron);
            }
        }
        adjoint[a] = by_v + by_change * parameter(CELL_FALL_M, neuron);
        return by_change * parameter(CELL_P20, neuron);
    }

    var pull = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var conductance = parameter(CELL_P20, neuron);
    for (var r = 0u; r < params.receptors; r++) {
        let g = state[synapses + 2u * r * BLOCK];
        if receptor_field(r, PORT_CONDUCTANCE) > 0.0 {
            let open = receptor_open(r, g, v);
            conductance += open.g;
            pull += open.g_e;
        } else {
            pull += g;
        }
    }
    var slope = 0.0;
    if ADEX == 1u {
        let x = (min(v, v_th) - parameter(CELL_V_T, neuron)) / parameter(CELL_DELTA_T, neuron);
        let lifted = parameter(CELL_P20, neuron) * exp(min(x, 60.0));
        pull += lifted * parameter(CELL_DELTA_T, neuron) - state[s + STATE_W * BLOCK];
        slope = select(0.0, lifted, (v < v_th) && (x < 60.0));
    }
    // change = (v - pull / G) (e^(-k G) - 1).
    let v_inf = pull / conductance;
    let k = parameter(CELL_FALL_M, neuron);
    let fall = exp_m1(-k * conductance);
    let by_pull = -by_change * fall / conductance;
    let by_conductance = by_change * (v_inf * fall / conductance - k * (v - v_inf) * (fall + 1.0));
    by_v += by_change * fall;
    if ADEX == 1u {
        let by_w = adjoint[adaptation];
        let fall_w = parameter(CELL_FALL_W, neuron);
        by_v += by_pull * slope - by_w * parameter(CELL_A, neuron) * fall_w;
        adjoint[adaptation] = by_w + by_w * fall_w - by_pull;
    }
    for (var r = 0u; r < params.receptors; r++) {
        let at = 2u * r * BLOCK;
        if receptor_field(r, PORT_CONDUCTANCE) > 0.0 {
            let by_open = by_conductance + by_pull * receptor_field(r, PORT_E_REV);
            let by_state = receptor_open_back(r, state[synapses + at], v, by_open);
            adjoint[by_synapses + at] += by_state.x;
            by_v += by_state.y;
        } else {
            adjoint[by_synapses + at] += by_pull;
        }
    }
    adjoint[a] = by_v;
    return by_pull;
}
