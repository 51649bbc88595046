// One invocation = one weight: takes the spikes of its sources in the order of their list, so that its sum is the same
// each time. Twin and equations: src/plasticity/convolved_pre.rs.
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
    let sent = now - params.axonal;
    let list = spike_list(sent);
    let y_row = trace_row(now - 1u - params.dendritic, params.all_targets);
    let x2_row = trace_row(sent - 1u, params.sources);
    var sum = 0.0;
    for (var k = 0u; k < fired[params.fired_at + list]; k++) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let source = fired[params.fired_at + list + 1u + k] - params.place;
        if (source >= params.sources) || (source % params.channels != channel) {
            continue;
        }
        let place = source / params.channels;
        let row = seeing_row(place / params.source_width / params.pool_height, ky);
        let column = seeing_column(place % params.source_width / params.pool_width, kx);
        if (row >= params.target_height) || (column >= params.target_width) {
            continue;
        }
        let j = (row * params.target_width + column) * params.target_channels + c;
        let factor = params.pair + params.triplet * x2[params.x2_at + x2_row + source];
        sum += params.constant + y[params.y_at + y_row + j] * factor;
    }
    if sum != 0.0 {
        change_weight(at, params.second, pace() * sum);
    }
}
