// Receptors of stepped neurons; equations and twin: src/neuron/receptor.rs. After lib/stepped.wgsl, whose
// arrays this reads and writes.
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

// Where the sums that arrive at `neuron`'s receptor `r` in `slot` lie.
fn ring_index(neuron: u32, r: u32, slot: u32) -> u32 {
    let tile = params.first_tile + neuron / params.tile;
    return ((tile * params.slots + slot) * params.stride + r) * params.tile + neuron % params.tile;
}

// What arrives, in units of the weight; the slot is left empty for the next time around.
fn ring_take(neuron: u32, r: u32, slot: u32) -> f32 {
    let index = ring_index(neuron, r, slot);
    let sum = bitcast<i32>(ring[params.ring_at + index]);
    ring[params.ring_at + index] = 0u;
    return receptor_field(r, PORT_KICK) * f32(sum);
}

// The receptor over one step, its g and x at `g` and `g + BLOCK` of the state, with their second floats `rest`
// numbers further on. Gives the jump of the potential, which only delta receptors have.
fn receptor_step(r: u32, g: u32, rest: u32, arriving: f32) -> f32 {
    let x = g + BLOCK;
    switch u32(receptor_field(r, PORT_KIND)) {
        case 0u: {
            return arriving;
        }
        case 1u: {
            state[g] = arriving;
        }
        case 2u: {
            advance(g, rest, receptor_field(r, PORT_FALL) * state[g] + arriving);
        }
        default: {
            let rising = state[x];
            advance(g, rest, receptor_field(r, PORT_FALL) * state[g] + receptor_field(r, PORT_CROSS) * rising);
            advance(x, rest, receptor_field(r, PORT_FALL_RISE) * rising + arriving);
        }
    }
    return 0.0;
}
