// What neurons in frames share: their numbers and their state. Twin: src/neuron/frame.rs. A frame has `receptors`, and
// `ROW`, the numbers from one row of a neuron's state to the next.
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
        fields += receptors() * PORT;
    }
    return cell[params.cell_at + cell_index((neuron / BLOCK * fields + field) * BLOCK + neuron % BLOCK, field)];
}

// Rows of state of a block, with those of second floats.
fn all_rows() -> u32 {
    let rows = state_rows();
    return select(rows, 2u * rows, params.slow != 0u);
}

// How many numbers behind a state its second float is.
fn second_floats() -> u32 {
    return state_rows() * ROW;
}

// Whether a state has a second float.
fn has_second_float(slow: u32) -> bool {
    return (params.slow & slow) != 0u;
}

// Adds to the state at `at`, which has a second float if it is `slow`, and gives it.
fn advance(at: u32, slow: bool, change: f32) -> f32 {
    if !slow {
        state[at] += change;
        return state[at];
    }
    let low = at + second_floats();
    let x = advanced(vec2<f32>(state[at], state[low]), change);
    state[at] = x.x;
    state[low] = x.y;
    return x.x;
}
