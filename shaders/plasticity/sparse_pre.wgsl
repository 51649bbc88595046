// A workgroup takes one spike of a source after the other, group by group of axonal delays, and its
// invocations the synapses. Twin and equations: src/plasticity/sparse_pre.rs.
//!use lib/slow.wgsl
//!use lib/list.wgsl
//!use lib/learn.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let rank = invocation(group, groups, 0u, 1u);
    let now = clock.step_lo + span.t0;
    let y_row = trace_row(now - 1u - params.dendritic, params.all_targets);
    for (var delay = 0u; delay < params.groups; delay++) {
        let sent = now - params.axonal - delay * params.spread;
        let list = spike_list(sent);
        let x2_row = trace_row(sent - 1u, params.sources);
        for (var k = rank; k < fired[params.fired_at + list]; k += workgroups) {
            // Spikes of others are beyond the end, or before the start and wrap around.
            let source = fired[params.fired_at + list + 1u + k] - params.place;
            if source >= params.sources {
                continue;
            }
            let factor = params.pair + params.triplet * x2[params.x2_at + x2_row + source];
            let row = source * params.groups + delay;
            for (var s = begin[params.begin_at + row] + local; s < begin[params.begin_at + row + 1u]; s += WG) {
                let j = outgoing[params.outgoing_at + s] & ((1u << params.target_bits) - 1u);
                let at = start[params.start_at + j] + (outgoing[params.outgoing_at + s] >> params.target_bits);
                change_weight(at, params.second, pace() * (params.constant + y[params.y_at + y_row + j] * factor));
            }
        }
    }
}
