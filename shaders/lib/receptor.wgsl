// Receptors of stepped neurons; equations and twin: src/neuron/receptor.rs. After lib/stepped.wgsl, whose
// arrays this reads and writes.
const RECEPTOR = 8u;    // numbers of a receptor

fn receptor_field(r: u32, field: u32) -> f32 {
    return receptor[params.receptor_at + r * RECEPTOR + field];
}

struct Opened {
    g: f32,
    g_e: f32,
}

// Conductance, and conductance times the distance of its reversal potential from rest.
fn receptor_open(r: u32, g: f32, v: f32) -> Opened {
    var open = g;
    let block = receptor_field(r, 7u);
    if block > 0.0 {
        open = g / (1.0 + block * exp(-0.062 * v));
    }
    return Opened(open, open * receptor_field(r, 6u));
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
    return receptor_field(r, 4u) * f32(sum);
}

// The receptor over one step, its g and x at `g` and `g + BLOCK` of the state, with their second floats `rest`
// numbers further on. Gives the jump of the potential, which only delta receptors have.
fn receptor_step(r: u32, g: u32, rest: u32, arriving: f32) -> f32 {
    let x = g + BLOCK;
    switch u32(receptor_field(r, 0u)) {
        case 0u: {
            return arriving;
        }
        case 1u: {
            state[g] = arriving;
        }
        case 2u: {
            advance(g, rest, receptor_field(r, 1u) * state[g] + arriving);
        }
        default: {
            let rising = state[x];
            advance(g, rest, receptor_field(r, 1u) * state[g] + receptor_field(r, 2u) * rising);
            advance(x, rest, receptor_field(r, 3u) * rising + arriving);
        }
    }
    return 0.0;
}
