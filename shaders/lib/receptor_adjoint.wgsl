// Adjoint of lib/receptor.wgsl; twin: src/neuron/receptor.rs.

// From the gradients by g and x after a step, at `g` and `g + BLOCK` of the adjoint, and by the jump of the
// potential: gradients by g and x before it take their place. Gives the gradient by what arrived.
fn receptor_back(r: u32, g: u32, by_jump: f32) -> f32 {
    let x = g + BLOCK;
    let by_g = adjoint[g];
    switch u32(receptor_field(r, PORT_KIND)) {
        case 0u: {
            return by_jump;
        }
        case 1u: {
            adjoint[g] = 0.0;
            return by_g;
        }
        case 2u: {
            adjoint[g] = by_g + receptor_field(r, PORT_FALL) * by_g;
            return by_g;
        }
        default: {
            let by_x = adjoint[x];
            adjoint[g] = by_g + receptor_field(r, PORT_FALL) * by_g;
            adjoint[x] = by_x + receptor_field(r, PORT_FALL_RISE) * by_x + receptor_field(r, PORT_CROSS) * by_g;
            return by_x;
        }
    }
}

// Gradients by g and by the potential, from that by the conductance.
fn receptor_open_back(r: u32, g: f32, v: f32, by_open: f32) -> vec2<f32> {
    let block = receptor_field(r, PORT_BLOCK);
    if block <= 0.0 {
        return vec2<f32>(by_open, 0.0);
    }
    let free = 1.0 / (1.0 + block * exp(-0.062 * v));
    return vec2<f32>(by_open * free, by_open * g * free * (1.0 - free) * 0.062);
}
