// A workgroup takes one spike after the other, and its invocations the synapses of the source, group by
// group of delays. Twin: src/synapse/deliver_sparse.rs.
//!use lib/list.wgsl
//!use lib/deliver.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let rank = invocation(group, groups, 0u, 1u);
    let now = clock.step_lo + span.t0;
    let list = spike_list(now);
    for (var k = rank; k < fired[params.fired_at + list]; k += workgroups) {
        // Sources of others are beyond the end, or before the start and wrap around.
        let source = fired[params.fired_at + list + 1u + k] - params.place;
        if source >= params.sources {
            continue;
        }
        let factor = carried(source);
        for (var delay = 0u; delay < params.groups; delay++) {
            let row = source * params.groups + delay;
            for (var s = begin[params.begin_at + row] + local; s < begin[params.begin_at + row + 1u]; s += WG) {
                let j = outgoing[params.outgoing_at + s] & ((1u << params.target_bits) - 1u);
                let w = weight[params.weight_at + start[params.start_at + j] + (outgoing[params.outgoing_at + s] >> params.target_bits)];
                arrive(j, now + params.delay + delay, w * factor);
            }
        }
    }
}
