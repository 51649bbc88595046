// Receptors of neurons; equations and twin: src/neuron/receptor.rs. After lib/neuron.wgsl, whose arrays this
// reads and writes; what arrives is said by the frame.

// A number that all neurons share.
fn shared_field(r: u32, field: u32) -> f32 {
    return cell[params.receptor_at + r * PORT + field];
}

// A number that each neuron may have of its own.
fn receptor_field(r: u32, field: u32, neuron: u32) -> f32 {
    if OWN_RECEPTORS == 1u {
        return parameter(cell_fields() + r * PORT + field, neuron);
    }
    return shared_field(r, field);
}

fn receptor_kind(r: u32) -> u32 {
    return u32(shared_field(r, PORT_KIND));
}

fn is_conductance(r: u32) -> bool {
    return shared_field(r, PORT_CONDUCTANCE) > 0.0;
}

struct Opened {
    g: f32,
    g_e: f32,
}

// Conductance, and conductance times the distance of its reversal potential from rest.
fn receptor_open(r: u32, neuron: u32, g: f32, v: f32) -> Opened {
    var open = g;
    let block = shared_field(r, PORT_BLOCK);
    if block > 0.0 {
        open = g / (1.0 + block * exp(-0.062 * v));
    }
    return Opened(open, open * receptor_field(r, PORT_E_REV, neuron));
}

// The receptor over one step, its g and x at `g` and `g + ROW` of the state, which have second floats if they are `slow`.
// Gives the jump of the potential, which only delta receptors have.
fn receptor_step(r: u32, neuron: u32, g: u32, slow: bool, arrived: f32) -> f32 {
    let x = g + ROW;
    switch receptor_kind(r) {
        case 0u: {
            return arrived;
        }
        case 1u: {
            state[g] = arrived;
        }
        case 2u: {
            advance(g, slow, receptor_field(r, PORT_FALL, neuron) * state[g] + arrived);
        }
        default: {
            let rising = state[x];
            advance(g, slow, receptor_field(r, PORT_FALL, neuron) * state[g] + receptor_field(r, PORT_CROSS, neuron) * rising);
            advance(x, slow, receptor_field(r, PORT_FALL_RISE, neuron) * rising + arrived);
        }
    }
    return 0.0;
}
