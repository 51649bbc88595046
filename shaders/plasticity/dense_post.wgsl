// A workgroup takes one spike of a target after the other, and its invocations the weights of that target.
// Twin and equations: src/plasticity/dense_post.rs.
//!use lib/panel.wgsl
const PANEL = 16u;

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
    let x_row = trace_row(now - 1u - params.axonal, params.sources);
    let y2_row = trace_row(now - 1u - params.dendritic, params.all_targets) + params.first_target;
    for (var k = rank; k < fired[params.fired_at + list]; k += workgroups) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let j = fired[params.fired_at + list + 1u + k] - params.place;
        if j >= params.targets {
            continue;
        }
        let factor = params.pair + params.triplet * y2[params.y2_at + y2_row + j];
        let column = panel_column(params.sources + params.second, j);
        let stride = panel_stride(params.targets, j);
        for (var source = local; source < params.sources; source += WG) {
            let at = column + source * stride;
            let change = pace() * (params.constant + x[params.x_at + x_row + source] * factor);
            change_weight(at, params.second * stride, change);
        }
    }
}
