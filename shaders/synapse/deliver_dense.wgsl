// A workgroup takes its share of the weights of one spike after the other, and its invocations single ones.
// Twin: src/synapse/deliver_dense.rs.
//!use lib/panel.wgsl
const PANEL = 16u;

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
        for (var j = (k % shares) * WG + local; j < params.targets; j += shares * WG) {
            let at = panel_column(params.rows, j) + source * panel_stride(params.targets, j);
            arrive(params.first_target + j, now + params.delay, weight[params.weight_at + at] * factor);
        }
    }
}
