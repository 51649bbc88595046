// What neurons in frames share: their numbers and their state. Twin: src/neuron/frame.rs.
const BLOCK = 64u;      // neurons of a block, whose state lies together

// Distance to the threshold of a neuron that cannot spike.
const HELD = -1e9;

// Bits of `params.slow`; models have more of their own.
const SLOW_POTENTIAL = 1u;
const SLOW_RECEPTORS = 2u;

// Number `field` of a neuron. The model has `cell_fields` of them; behind these are those of receptors, if they are own.
fn parameter(field: u32, neuron: u32) -> f32 {
    var fields = cell_fields();
    if OWN_RECEPTORS == 1u {
        fields += params.receptors * PORT;
    }
    return cell[params.cell_at + cell_index((neuron / BLOCK * fields + field) * BLOCK + neuron % BLOCK, field)];
}

// Rows of state of a block, with those of second floats.
fn all_rows() -> u32 {
    let rows = state_rows();
    return select(rows, 2u * rows, params.slow != 0u);
}

// Where the second float of a state is, for those that are slow: so many numbers further on; 0 for none.
fn second_float(slow: u32) -> u32 {
    return select(0u, state_rows() * BLOCK, (params.slow & slow) != 0u);
}

// Adds to the state at `at`, whose second float is `rest` numbers further on, and gives it.
fn advance(at: u32, rest: u32, change: f32) -> f32 {
    if rest == 0u {
        state[at] += change;
        return state[at];
    }
    let x = advanced(vec2<f32>(state[at], state[at + rest]), change);
    state[at] = x.x;
    state[at + rest] = x.y;
    return x.x;
}
