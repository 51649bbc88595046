// One invocation = one weight: takes the spikes of its targets in the order of their list, so that its sum is the same
// each time. Twin and equations: src/plasticity/convolved_post.rs.
//!use lib/slow.wgsl
//!use lib/list.wgsl
//!use lib/learn.wgsl
//!use lib/geometry.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let at = invocation(group, groups, local, WG);
    if at >= params.target_channels * fan_in() {
        return;
    }
    let kx = at % params.kernel_width;
    let ky = at / params.kernel_width % params.kernel_height;
    let channels_in = params.channels / params.groups;
    let c = at / fan_in();
    let own = c / (params.target_channels / params.groups) * channels_in;
    let channel = own + at / (params.kernel_height * params.kernel_width) % channels_in;
    let now = clock.step_lo + span.t0;
    let list = spike_list(now - params.dendritic);
    let y2_row = trace_row(now - 1u - params.dendritic, params.all_targets);
    let x_row = trace_row(now - 1u - params.axonal, params.sources);
    var sum = 0.0;
    for (var k = 0u; k < fired[params.fired_at + list]; k++) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let j = fired[params.fired_at + list + 1u + k] - params.place;
        if (j >= params.targets) || (j % params.target_channels != c) {
            continue;
        }
        let place = j / params.target_channels;
        let row = covered_row(place / params.target_width, ky);
        let column = covered_column(place % params.target_width, kx);
        if (row >= params.source_height / params.pool_height) || (column >= params.source_width / params.pool_width) {
            continue;
        }
        let factor = params.pair + params.triplet * y2[params.y2_at + y2_row + j];
        for (var cell = 0u; cell < params.pool_height * params.pool_width; cell++) {
            let source_row = row * params.pool_height + cell / params.pool_width;
            let source_column = column * params.pool_width + cell % params.pool_width;
            let source = source_of(source_row, source_column, channel);
            sum += params.constant + x[params.x_at + x_row + source] * factor;
        }
    }
    if sum != 0.0 {
        change_weight(at, params.second, pace() * sum);
    }
}
