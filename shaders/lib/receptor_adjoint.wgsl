// Adjoint of lib/receptor.wgsl; twin: src/neuron/receptor.rs.

// From the gradients by g and x after a step, at `g` and `g + ROW` of the adjoint, and by the jump of the
// potential: gradients by g and x before it take their place. Gives the gradient by what arrived.
fn receptor_back(r: u32, neuron: u32, g: u32, by_jump: f32) -> f32 {
    let x = g + ROW;
    let by_g = adjoint[g];
    switch receptor_kind(r) {
        case 0u: {
            return by_jump;
        }
        case 1u: {
            adjoint[g] = 0.0;
            return by_g;
        }
        case 2u: {
            adjoint[g] = by_g + receptor_field(r, PORT_FALL, neuron) * by_g;
            return by_g;
        }
        default: {
            let by_x = adjoint[x];
            adjoint[g] = by_g + receptor_field(r, PORT_FALL, neuron) * by_g;
            adjoint[x] = by_x + receptor_field(r, PORT_FALL_RISE, neuron) * by_x + receptor_field(r, PORT_CROSS, neuron) * by_g;
            return by_x;
        }
    }
}

// Adds the gradients by the numbers of `receptor_step`, from those by g and x after it, at `by_g` and `by_g + ROW`
// of the adjoint, and by the jump of the potential, and from what it read: g and x, at `g` and `g + ROW` of the
// state, and what arrived. `numbers` is the receptor's first number. To be called before `receptor_back` and
// `give_back`, which put others in the places of these gradients and of what arrived.
fn add_step_numbers(r: u32, numbers: u32, neuron: u32, g: u32, by_g: u32, by_jump: f32) {
    let kind = receptor_kind(r);
    var by_arriving = by_jump;
    if kind >= 1u {
        by_arriving = adjoint[by_g];
    }
    if kind >= 2u {
        add_number(numbers + PORT_FALL, adjoint[by_g] * state[g]);
    }
    if kind >= 3u {
        by_arriving = adjoint[by_g + ROW];
        let rising = state[g + ROW];
        add_number(numbers + PORT_CROSS, adjoint[by_g] * rising);
        add_number(numbers + PORT_FALL_RISE, by_arriving * rising);
    }
    add_number(numbers + PORT_KICK, by_arriving * raw_arrival(neuron, r));
}

// Gradients by g and by the potential, from that by the conductance; and the part of g that is open.
fn receptor_open_back(r: u32, g: f32, v: f32, by_open: f32) -> vec3<f32> {
    let block = shared_field(r, PORT_BLOCK);
    if block <= 0.0 {
        return vec3<f32>(by_open, 0.0, 1.0);
    }
    let free = 1.0 / (1.0 + block * exp(-0.062 * v));
    return vec3<f32>(by_open * free, by_open * g * free * (1.0 - free) * 0.062, free);
}

// Adds the gradients by the numbers of `receptor_open`, which gave the conductance `open`: from that by what it adds to
// the pull, and that by the potential, which `receptor_open_back` gave. `numbers` is the receptor's first number.
fn add_open_numbers(r: u32, numbers: u32, open: f32, by_pull: f32, by_potential: f32) {
    add_number(numbers + PORT_E_REV, by_pull * open);
    let block = shared_field(r, PORT_BLOCK);
    if block > 0.0 {
        add_number(numbers + PORT_BLOCK, by_potential / (-0.062 * block));
    }
}
