// A workgroup takes one spike of a target after the other, and its invocations the synapses of that target.
// Twin and equations: src/plasticity/sparse_post.rs.
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
    let list = spike_list(now - params.dendritic);
    let y2_row = trace_row(now - 1u - params.dendritic, params.all_targets);
    for (var k = rank; k < fired[params.fired_at + list]; k += workgroups) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let j = fired[params.fired_at + list + 1u + k] - params.place;
        if j >= params.targets {
            continue;
        }
        let factor = params.pair + params.triplet * y2[params.y2_at + y2_row + j];
        for (var s = start[params.start_at + j] + local; s < start[params.start_at + j + 1u]; s += WG) {
            let source = origin[params.origin_at + s] & ((1u << params.source_bits) - 1u);
            let sent = now - params.axonal - (origin[params.origin_at + s] >> params.source_bits) * params.spread;
            let x_now = x[params.x_at + trace_row(sent - 1u, params.sources) + source];
            change_weight(s, params.second, pace() * (params.constant + x_now * factor));
        }
    }
}
