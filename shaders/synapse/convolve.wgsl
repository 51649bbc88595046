// One invocation = one target of one sample at one step: sums over its window. Twin: src/synapse/convolve.rs.
//!use lib/geometry.wgsl
//!use lib/convolution.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let targets = params.target_height * params.target_width * params.target_channels;
    let rows = min(span.t1, params.rows) - span.t0;
    let j = rank % targets;
    let t = span.t0 + rank / targets % rows;
    let b = rank / targets / rows;
    if b >= clock.samples {
        return;
    }
    let c = j % params.target_channels;
    let column = j / params.target_channels % params.target_width;
    let y = j / params.target_channels / params.target_width;
    let row = b * params.source_rows + params.history + t - params.delay;
    let channels_in = params.channels / params.groups;
    let channel = c / (params.target_channels / params.groups) * channels_in;
    let sources = params.source_height * params.source_width * params.channels;
    let first_word = row * ((sources + 31u) / 32u);
    let height = params.source_height / params.pool_height;
    let width = params.source_width / params.pool_width;
    var sum = 0.0;
    for (var ky = 0u; ky < params.kernel_height; ky++) {
        let source_y = covered_row(y, ky);
        if source_y >= height {
            continue;
        }
        for (var kx = 0u; kx < params.kernel_width; kx++) {
            let source_x = covered_column(column, kx);
            if source_x >= width {
                continue;
            }
            if (VALUES == 1u) || (LARGEST == 1u) {
                for (var k = 0u; k < channels_in; k++) {
                    let z = pooled_at(row, source_y, source_x, channel + k);
                    sum += z * weights[weight_of(channel + k, ky, kx, c)];
                }
                continue;
            }
            // The channels of a source are neighbouring bits: words without a spike are passed over.
            var part = 0.0;
            for (var dy = 0u; dy < params.pool_height; dy++) {
                for (var dx = 0u; dx < params.pool_width; dx++) {
                    let begin = source_of(source_y * params.pool_height + dy, source_x * params.pool_width + dx, channel);
                    let end = begin + channels_in;
                    for (var w = begin / 32u; w * 32u < end; w++) {
                        var bits = spikes[first_word + w];
                        if w * 32u < begin {
                            bits &= 0xffffffffu << (begin - w * 32u);
                        }
                        if end - w * 32u < 32u {
                            bits &= (1u << (end - w * 32u)) - 1u;
                        }
                        while bits != 0u {
                            let k = w * 32u + firstTrailingBit(bits) - begin;
                            part += weights[weight_of(channel + k, ky, kx, c)];
                            bits &= bits - 1u;
                        }
                    }
                }
            }
            sum += part * params.scale;
        }
    }
    let at = (b * params.rows + t) * params.stride + params.first + j;
    if params.accumulate == 1u {
        sum += arrivals[at];
    }
    arrivals[at] = sum;
}
