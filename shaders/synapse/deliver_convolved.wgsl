// A workgroup takes its share of the synapses of one spike after the other, and its invocations single ones, those of a
// channel of the targets together. Twin: src/synapse/deliver_convolved.rs.
//!use lib/list.wgsl
//!use lib/shares.wgsl
//!use lib/deliver.wgsl
//!use lib/geometry.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let rank = invocation(group, groups, 0u, 1u);
    let now = clock.step_lo + span.t0;
    let list = spike_list(now);
    let shares = shares_of(fired[params.fired_at + list], workgroups);
    let channels_in = params.channels / params.groups;
    let channels_out = params.target_channels / params.groups;
    let area = params.kernel_height * params.kernel_width;
    for (var k = rank; k < fired[params.fired_at + list] * shares; k += workgroups) {
        // Sources of others are beyond the end, or before the start and wrap around.
        let source = fired[params.fired_at + list + 1u + k / shares] - params.place;
        if source >= params.sources {
            continue;
        }
        let factor = carried(source);
        let place = source / params.channels;
        let channel = source % params.channels;
        for (var s = (k % shares) * WG + local; s < channels_out * area; s += shares * WG) {
            let row = seeing_row(place / params.source_width / params.pool_height, s % area / params.kernel_width);
            let column = seeing_column(place % params.source_width / params.pool_width, s % params.kernel_width);
            if (row >= params.target_height) || (column >= params.target_width) {
                continue;
            }
            let c = channel / channels_in * channels_out + s / area;
            let w = weight[params.weight_at + c * fan_in() + channel % channels_in * area + s % area];
            arrive((row * params.target_width + column) * params.target_channels + c, now + params.delay, w * factor);
        }
    }
}
