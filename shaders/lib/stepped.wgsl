// What the stepped neuron kernels share: the currents from outside, and their spikes. The parameters of a
// kernel that uses this begin with the fields of `Place`. Twin: src/neuron/stepped.rs.
const BLOCK = 64u;      // neurons of a block, whose state lies together

// Bits of `params.slow`; models have more of their own.
const SLOW_POTENTIAL = 1u;
const SLOW_RECEPTORS = 2u;

var<workgroup> spiked: array<u32, WG>;

// Parameter `field` of the `fields` that a neuron has, its own or that of all.
fn cell_field(fields: u32, field: u32, neuron: u32) -> f32 {
    let own = (neuron / BLOCK * fields + field) * BLOCK + neuron % BLOCK;
    return cell[params.cell_at + select(field, own, params.own == 1u)];
}

// Where the second float of a state is, for those that are slow: so many numbers further on; 0 for none.
fn second_float(slow: u32, rows: u32) -> u32 {
    return select(0u, rows * BLOCK, (params.slow & slow) != 0u);
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

// Sets the state at `at`.
fn assign(at: u32, rest: u32, value: f32) {
    state[at] = value;
    if rest != 0u {
        state[at + rest] = 0.0;
    }
}

// A neuron's constant current with those of its stimuli.
fn with_stimuli(constant: f32, neuron: u32) -> f32 {
    var input = constant;
    if params.drive == 1u {
        input += drive[params.drive_at + span.t0];
    }
    if params.current == 1u {
        input += current[params.current_at + neuron];
    }
    return input;
}

// Slot of the ring that holds what arrives in this step.
fn slot_now() -> u32 {
    return (clock.step_lo + span.t0) & (params.slots - 1u);
}

// Writes the spikes of a workgroup, two words for its 64 neurons from `base` on. Lanes beyond the last
// neuron compute and are reset like the others, or they would diverge, but do not count.
fn store_spikes(base: u32, local: u32, spike: bool) {
    spiked[local] = select(0u, 1u, spike && base + local < params.n);
    workgroupBarrier();
    if local < 2u {
        var bits = 0u;
        for (var k = 0u; k < 32u; k++) {
            bits |= spiked[local * 32u + k] << k;
        }
        spikes[params.spikes_at + span.t0 * params.row + params.first_word + base / 32u + local] = bits;
    }
}
