// Adjoint of neuron/izhikevich.wgsl: twin and equations in src/neuron/izhikevich.rs.

// dv'/dv of a step of v.
fn slope_at(v: f32, slope: f32) -> f32 {
    return 1.0 + params.step * (v * 0.08 + slope);
}

// One step back, from the state `s` at its start: the gradients by the state at `a` go from those of its end
// to those of its start. Gives the gradient by the current.
fn neuron_adjoint(s: u32, a: u32, neuron: u32, back: Back) -> f32 {
    let synapses = s + STATE * ROW;
    let by_synapses = a + STATE * ROW;

    // What the spike did.
    var by_v = adjoint[a];
    var by_u = adjoint[a + STATE_U * ROW];
    var by_spike = back.by_spike;
    by_spike += through_reset(by_v, parameter(CELL_C, neuron) - (back.distance + parameter(CELL_V_TH, neuron)));
    by_spike += through_adaptation(by_u, parameter(CELL_D, neuron));
    by_v -= by_v * back.spiked;
    by_v += by_spike * back.slope;
    if wants_numbers() {
        add_number(CELL_C, adjoint[a] * back.spiked);
        add_number(CELL_D, by_u * back.spiked);
        add_number(CELL_V_TH, -by_spike * back.slope);
    }

    // What arrived after the step: all but pulses.
    for (var r = 0u; r < receptors(); r++) {
        if !is_pulse(r) {
            let at = 2u * r * ROW;
            if wants_numbers() {
                add_step_numbers(r, cell_fields() + r * PORT, neuron, synapses + at, by_synapses + at, by_v);
            }
            give_back(neuron, r, receptor_back(r, neuron, by_synapses + at, by_v));
        }
    }

    // The step itself. What pulses held before it nothing needs any more.
    take_pulses(synapses, neuron);
    let v = state[s];
    let u = state[s + STATE_U * ROW];
    let driven = drive_of(v, u, neuron, synapses);
    let rate = parameter(CELL_RATE, neuron);
    let by_origin = by_u * rate * parameter(CELL_B, neuron);
    var middle = v;
    if HALF_STEPS == 1u {
        middle = next(v, driven);
    }
    if wants_numbers() {
        var origin = v;
        if HALF_STEPS == 1u {
            origin = next(middle, driven);
        }
        add_number(CELL_RATE, by_u * (parameter(CELL_B, neuron) * origin - u));
        add_number(CELL_B, by_u * rate * origin);
    }
    by_u -= by_u * rate;
    var by_slope = 0.0;
    var by_level = 0.0;
    if HALF_STEPS == 1u {
        let by_end = by_v + by_origin;
        by_slope = params.step * by_end * middle;
        by_level = params.step * by_end;
        by_v = by_end * slope_at(middle, driven.slope);
    }
    by_slope += params.step * by_v * v;
    by_level += params.step * by_v;
    by_v *= slope_at(v, driven.slope);
    if HALF_STEPS == 0u {
        by_v += by_origin;
    }
    by_u -= by_level;
    for (var r = 0u; r < receptors(); r++) {
        let at = 2u * r * ROW;
        var by_g = by_level;
        if is_conductance(r) {
            let by_open = by_level * receptor_field(r, PORT_E_REV, neuron) - by_slope;
            let by_state = receptor_open_back(r, state[synapses + at], v, by_open);
            by_g = by_state.x;
            by_v += by_state.y;
            if wants_numbers() {
                let open = state[synapses + at] * by_state.z;
                add_open_numbers(r, cell_fields() + r * PORT, open, by_level, by_state.y);
            }
        }
        by_g += adjoint[by_synapses + at];
        if is_pulse(r) {
            if wants_numbers() {
                add_number(cell_fields() + r * PORT + PORT_KICK, by_g * raw_arrival(neuron, r));
            }
            give_back(neuron, r, by_g);
            by_g = 0.0;
        }
        adjoint[by_synapses + at] = by_g;
    }
    adjoint[a] = by_v;
    adjoint[a + STATE_U * ROW] = by_u;
    if wants_numbers() {
        add_number(CELL_I_E, by_level);
    }
    return by_level;
}
