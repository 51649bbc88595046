// One invocation = one weight and one sample: sums over steps and places. Twin: src/synapse/convolve_gradient.rs.
//!use lib/geometry.wgsl
//!use lib/convolution.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let count = params.target_channels * (params.channels / params.groups) * params.kernel_height * params.kernel_width;
    let weight = rank % count;
    let b = rank / count;
    if b >= clock.samples {
        return;
    }
    let to = params.target_channels / params.groups;
    let kx = params.kernel_width - 1u - weight / to % params.kernel_width;
    let ky = weight / to / params.kernel_width % params.kernel_height;
    let channel = weight / to / params.kernel_width / params.kernel_height;
    let c = channel / (params.channels / params.groups) * to + weight % to;
    let height = params.source_height / params.pool_height;
    let width = params.source_width / params.pool_width;
    var sum = 0.0;
    for (var t = 0u; t < params.rows; t++) {
        let row = b * params.source_rows + params.history + t - params.delay;
        let first = (b * params.rows + t) * params.stride + params.first;
        for (var y = 0u; y < params.target_height; y++) {
            let source_y = covered_row(y, ky);
            if source_y >= height {
                continue;
            }
            for (var column = 0u; column < params.target_width; column++) {
                let source_x = covered_column(column, kx);
                if source_x >= width {
                    continue;
                }
                let z = pooled_at(row, source_y, source_x, channel);
                if z != 0.0 {
                    sum += z * arrivals[first + (y * params.target_width + column) * params.target_channels + c];
                }
            }
        }
    }
    gradient[rank] = sum;
}
