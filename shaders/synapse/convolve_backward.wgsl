// One invocation = one place of what is pooled, of one sample at one step: its gradient goes to its sources. Places
// that no window of sources fills have none. Twin: src/synapse/convolve_backward.rs.
//!use lib/geometry.wgsl
//!use lib/convolution.wgsl

// Whether a source is the first of its window that is as large as any, and not zero.
fn first_largest(row: u32, y: u32, column: u32, channel: u32) -> bool {
    let own = source_at(row, source_of(y, column, channel));
    if own <= 0.0 {
        return false;
    }
    for (var dy = 0u; dy < params.pool_height; dy++) {
        for (var dx = 0u; dx < params.pool_width; dx++) {
            let other_y = y / params.pool_height * params.pool_height + dy;
            let other_x = column / params.pool_width * params.pool_width + dx;
            let other = source_at(row, source_of(other_y, other_x, channel));
            let before = (other_y < y) || ((other_y == y) && (other_x < column));
            if (other > own) || ((other == own) && before) {
                return false;
            }
        }
    }
    return true;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let cells_y = (params.source_height + params.pool_height - 1u) / params.pool_height;
    let cells_x = (params.source_width + params.pool_width - 1u) / params.pool_width;
    let cells = cells_y * cells_x * params.channels;
    let steps = span.t1 - span.t0;
    let t = span.t0 + rank / cells % steps;
    let b = rank / cells / steps;
    if b >= clock.samples {
        return;
    }
    let channel = rank % params.channels;
    let column = rank / params.channels % cells_x;
    let y = rank % cells / params.channels / cells_x;
    let channels_in = params.channels / params.groups;
    let to = params.target_channels / params.groups;
    let whole = (y < params.source_height / params.pool_height) && (column < params.source_width / params.pool_width);
    var sum = 0.0;
    if whole && (t + params.delay < params.rows) {
        let arrive = (b * params.rows + t + params.delay) * params.stride + params.first;
        for (var ky = 0u; ky < params.kernel_height; ky++) {
            let moved_y = y + params.padding_y - ky * params.dilation_y;
            let target_y = moved_y / params.stride_y;
            if (moved_y % params.stride_y != 0u) || (target_y >= params.target_height) {
                continue;
            }
            for (var kx = 0u; kx < params.kernel_width; kx++) {
                let moved_x = column + params.padding_x - kx * params.dilation_x;
                let target_x = moved_x / params.stride_x;
                if (moved_x % params.stride_x != 0u) || (target_x >= params.target_width) {
                    continue;
                }
                let first_channel = channel / channels_in * to;
                let at = arrive + (target_y * params.target_width + target_x) * params.target_channels + first_channel;
                let weight = weight_of(channel, ky, kx, first_channel);
                for (var c = 0u; c < to; c++) {
                    sum += weights[weight + c] * arrivals[at + c];
                }
            }
        }
    }
    sum *= params.scale;
    let row = b * params.source_rows + params.history + t;
    let sources = params.source_height * params.source_width * params.channels;
    for (var dy = 0u; dy < params.pool_height; dy++) {
        for (var dx = 0u; dx < params.pool_width; dx++) {
            let source_y = y * params.pool_height + dy;
            let source_x = column * params.pool_width + dx;
            if (source_y >= params.source_height) || (source_x >= params.source_width) {
                continue;
            }
            var own = sum;
            if LARGEST == 1u {
                own = 0.0;
                if whole && first_largest(row, source_y, source_x, channel) {
                    own = sum;
                }
            }
            let at = (b * params.rows + t) * sources + source_of(source_y, source_x, channel);
            if params.accumulate == 1u {
                own += cotangent[at];
            }
            cotangent[at] = own;
        }
    }
}
