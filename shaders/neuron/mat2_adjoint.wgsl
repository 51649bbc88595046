// Adjoint of neuron/mat2.wgsl: twin and equations in src/neuron/mat2.rs.

// One step back, from the state `s` at its start: the gradients by the state at `a` go from those of its end
// to those of its start. Gives the gradient by the current.
fn neuron_adjoint(s: u32, a: u32, neuron: u32, back: Back) -> f32 {
    let first = a + STATE_THETA_1 * BLOCK;
    let second = a + STATE_THETA_2 * BLOCK;
    // A spike leaves the potential as it is, and raises the threshold.
    var by_spike = back.by_spike;
    by_spike += through_adaptation(adjoint[first], parameter(CELL_ALPHA_1, neuron));
    by_spike += through_adaptation(adjoint[second], parameter(CELL_ALPHA_2, neuron));
    let by_distance = by_spike * back.slope;
    let by_first = adjoint[first] - by_distance;
    adjoint[first] = by_first + parameter(CELL_FALL_1, neuron) * by_first;
    let by_second = adjoint[second] - by_distance;
    adjoint[second] = by_second + parameter(CELL_FALL_2, neuron) * by_second;
    let by_v = adjoint[a] + by_distance;
    for (var r = 0u; r < params.receptors; r++) {
        let g = a + (STATE + 2u * r) * BLOCK;
        give_back(neuron, r, receptor_back(r, g, by_v));
        adjoint[g] += by_v * parameter(CELL + 2u * r, neuron);
        if receptor_field(r, PORT_KIND) == 3.0 {
            adjoint[g + BLOCK] += by_v * parameter(CELL + 2u * r + 1u, neuron);
        }
    }
    adjoint[a] = by_v + by_v * parameter(CELL_FALL_M, neuron);
    return by_v * parameter(CELL_P20, neuron);
}
