// Receptors of neurons; equations and twin: src/neuron/receptor.rs. After lib/neuron.wgsl, whose arrays this
// reads and writes; what arrives is said by the frame.
fn receptor_field(r: u32, field: u32) -> f32 {
    return receptor[params.receptor_at + r * PORT + field];
}

struct Opened {
    g: f32,
    g_e: f32,
}

// Conductance, and conductance times the distance of its reversal potential from rest.
fn receptor_open(r: u32, g: f32, v: f32) -> Opened {
    var open = g;
    let block = receptor_field(r, PORT_BLOCK);
    if block > 0.0 {
        open = g / (1.0 + block * exp(-0.062 * v));
    }
    return Opened(open, open * receptor_field(r, PORT_E_REV));
}

// The receptor over one step, its g and x at `g` and `g + BLOCK` of the state, with their second floats `rest`
// numbers further on. Gives the jump of the potential, which only delta receptors have.
fn receptor_step(r: u32, g: u32, rest: u32, arrived: f32) -> f32 {
    let x = g + BLOCK;
    switch u32(receptor_field(r, PORT_KIND)) {
        case 0u: {
            return arrived;
        }
        case 1u: {
            state[g] = arrived;
        }
        case 2u: {
            advance(g, rest, receptor_field(r, PORT_FALL) * state[g] + arrived);
        }
        default: {
            let rising = state[x];
            advance(g, rest, receptor_field(r, PORT_FALL) * state[g] + receptor_field(r, PORT_CROSS) * rising);
            advance(x, rest, receptor_field(r, PORT_FALL_RISE) * rising + arrived);
        }
    }
    return 0.0;
}
