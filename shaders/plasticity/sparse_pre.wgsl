// A workgroup takes one spike of a source after the other, group by group of axonal delays, and its
// invocations the synapses. Twin and equations: src/plasticity/sparse_pre.rs.
//!use lib/slow.wgsl
//!use lib/list.wgsl
//!use lib/learn.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let y_row = trace_row(now - 1u - params.dendritic, params.all_targets);
    for (var delay = 0u; delay < params.groups; delay++) {
        let sent = now - params.axonal - delay * params.spread;
        let list = spike_list(sent);
        let x2_row = trace_row(sent - 1u, params.sources);
        for (var k = group.y * groups.x + group.x; k < fired[list]; k += groups.x * groups.y) {
            // Spikes of others are beyond the end, or before the start and wrap around.
            let source = fired[list + 1u + k] - params.place;
            if source >= params.sources {
                continue;
            }
            let factor = params.pair + params.triplet * x2[x2_row + source];
            let row = source * params.groups + delay;
            for (var s = begin[row] + local; s < begin[row + 1u]; s += WG) {
                let j = outgoing[s] & ((1u << params.target_bits) - 1u);
                let at = start[j] + (outgoing[s] >> params.target_bits);
                change_weight(at, params.second, pace() * (params.constant + y[y_row + j] * factor));
            }
        }
    }
}
