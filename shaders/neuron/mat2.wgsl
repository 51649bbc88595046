// Neuron with a threshold on two time scales at one step: integrate, take what arrives, compare with the threshold,
// raise it. Twin and equations: src/neuron/mat2.rs.

const SLOW_THRESHOLD = 4u;

fn cell_fields() -> u32 {
    return CELL + 2u * receptors();
}

fn state_rows() -> u32 {
    return STATE + 2u * receptors();
}

fn neuron_step(s: u32, neuron: u32) -> bool {
    let input = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var change = parameter(CELL_FALL_M, neuron) * state[s] + parameter(CELL_P20, neuron) * input;
    let slow_receptors = has_second_float(SLOW_RECEPTORS);
    for (var r = 0u; r < receptors(); r++) {
        let g = s + (STATE + 2u * r) * ROW;
        change += parameter(CELL + 2u * r, neuron) * state[g];
        if receptor_kind(r) == 3u {
            change += parameter(CELL + 2u * r + 1u, neuron) * state[g + ROW];
        }
        change += receptor_step(r, neuron, g, slow_receptors, arriving(neuron, r));
    }
    let v = advance(s, has_second_float(SLOW_POTENTIAL), change);

    let first = s + STATE_THETA_1 * ROW;
    let second = s + STATE_THETA_2 * ROW;
    let slow = has_second_float(SLOW_THRESHOLD);
    let theta_1 = advance(first, slow, parameter(CELL_FALL_1, neuron) * state[first]);
    let theta_2 = advance(second, slow, parameter(CELL_FALL_2, neuron) * state[second]);

    let held = state[s + STATE_HELD * ROW];
    let threshold = parameter(CELL_OMEGA, neuron) + theta_1 + theta_2;
    let spike = decided(held <= 0.0, v, threshold);
    state[s + STATE_HELD * ROW] = select(max(held - 1.0, 0.0), parameter(CELL_T_REF, neuron), spike);
    state[first] = after_spike(spike, theta_1, theta_1 + parameter(CELL_ALPHA_1, neuron));
    state[second] = after_spike(spike, theta_2, theta_2 + parameter(CELL_ALPHA_2, neuron));
    return spike;
}
