// Adjoint of neuron/mat2.wgsl: twin and equations in src/neuron/mat2.rs.

// One step back, from the state `s` at its start: the gradients by the state at `a` go from those of its end
// to those of its start. Gives the gradient by the current.
fn neuron_adjoint(s: u32, a: u32, neuron: u32, back: Back) -> f32 {
    let first = a + STATE_THETA_1 * ROW;
    let second = a + STATE_THETA_2 * ROW;
    // A spike leaves the potential as it is, and raises the threshold.
    var by_spike = back.by_spike;
    by_spike += through_adaptation(adjoint[first], parameter(CELL_ALPHA_1, neuron));
    by_spike += through_adaptation(adjoint[second], parameter(CELL_ALPHA_2, neuron));
    let by_distance = by_spike * back.slope;
    let by_first = adjoint[first] - by_distance;
    let by_second = adjoint[second] - by_distance;
    let by_v = adjoint[a] + by_distance;
    let by_input = by_v * parameter(CELL_P20, neuron);
    if wants_numbers() {
        add_number(CELL_OMEGA, -by_distance);
        add_number(CELL_ALPHA_1, adjoint[first] * back.spiked);
        add_number(CELL_ALPHA_2, adjoint[second] * back.spiked);
        add_number(CELL_FALL_1, by_first * state[s + STATE_THETA_1 * ROW]);
        add_number(CELL_FALL_2, by_second * state[s + STATE_THETA_2 * ROW]);
        add_number(CELL_FALL_M, by_v * state[s]);
        add_number(CELL_P20, by_v * with_stimuli(parameter(CELL_I_E, neuron), neuron));
        add_number(CELL_I_E, by_input);
    }
    adjoint[first] = by_first + parameter(CELL_FALL_1, neuron) * by_first;
    adjoint[second] = by_second + parameter(CELL_FALL_2, neuron) * by_second;
    for (var r = 0u; r < receptors(); r++) {
        let place = (STATE + 2u * r) * ROW;
        let g = a + place;
        if wants_numbers() {
            add_step_numbers(r, cell_fields() + r * PORT, neuron, s + place, g, by_v);
            add_number(CELL + 2u * r, by_v * state[s + place]);
            if receptor_kind(r) == 3u {
                add_number(CELL + 2u * r + 1u, by_v * state[s + place + ROW]);
            }
        }
        give_back(neuron, r, receptor_back(r, neuron, g, by_v));
        adjoint[g] += by_v * parameter(CELL + 2u * r, neuron);
        if receptor_kind(r) == 3u {
            adjoint[g + ROW] += by_v * parameter(CELL + 2u * r + 1u, neuron);
        }
    }
    adjoint[a] = by_v + by_v * parameter(CELL_FALL_M, neuron);
    return by_input;
}
