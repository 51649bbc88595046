// What sources of a convolution are pooled into: see src/synapse/convolution.rs. Uses params, the options VALUES and
// LARGEST, and the arrays spikes and x; pastes lib/geometry.wgsl before.

// A source in a row of the sources, 0 or 1 if it spikes.
fn source_at(row: u32, i: u32) -> f32 {
    let sources = params.source_height * params.source_width * params.channels;
    if VALUES == 1u {
        return x[row * sources + i];
    }
    let bit = (spikes[row * ((sources + 31u) / 32u) + i / 32u] >> (i % 32u)) & 1u;
    return f32(bit);
}

// The amount at a place of what is pooled.
fn pooled_at(row: u32, y: u32, column: u32, channel: u32) -> f32 {
    var sum = 0.0;
    for (var dy = 0u; dy < params.pool_height; dy++) {
        for (var dx = 0u; dx < params.pool_width; dx++) {
            let i = source_of(y * params.pool_height + dy, column * params.pool_width + dx, channel);
            let z = source_at(row, i);
            if LARGEST == 1u {
                sum = max(sum, z);
            } else {
                sum += z;
            }
        }
    }
    return sum * params.scale;
}

// Place of a weight, by channel of the sources, row and column of the kernel, and channel of the targets.
fn weight_of(channel: u32, ky: u32, kx: u32, target_channel: u32) -> u32 {
    let to = params.target_channels / params.groups;
    let row = (channel * params.kernel_height + ky) * params.kernel_width + params.kernel_width - 1u - kx;
    return row * to + target_channel % to;
}
