// A workgroup takes its share of the synapses of one spike after the other, and its invocations single ones, which lie
// by groups of delays. Twin: src/synapse/deliver_sparse.rs.
//!use lib/list.wgsl
//!use lib/shares.wgsl
//!use lib/deliver.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let rank = invocation(group, groups, 0u, 1u);
    let now = clock.step_lo + span.t0;
    let list = spike_list(now);
    let shares = shares_of(fired[params.fired_at + list], workgroups);
    for (var k = rank; k < fired[params.fired_at + list] * shares; k += workgroups) {
        // Sources of others are beyond the end, or before the start and wrap around.
        let source = fired[params.fired_at + list + 1u + k / shares] - params.place;
        if source >= params.sources {
            continue;
        }
        let factor = carried(source);
        let row = params.begin_at + source * params.groups;
        let end = begin[row + params.groups];
        var delay = 0u;
        for (var s = begin[row] + (k % shares) * WG + local; s < end; s += shares * WG) {
            while s >= begin[row + delay + 1u] {
                delay++;
            }
            let j = outgoing[params.outgoing_at + s] & ((1u << params.target_bits) - 1u);
            let w = weight[params.weight_at + start[params.start_at + j] + (outgoing[params.outgoing_at + s] >> params.target_bits)];
            arrive(j, now + params.delay + delay, w * factor);
        }
    }
}
