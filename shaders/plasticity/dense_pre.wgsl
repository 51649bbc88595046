// A workgroup takes one spike of a source after the other, and its invocations the weights of that source.
// Twin and equations: src/plasticity/dense_pre.rs.
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
    let list = spike_list(now - params.axonal);
    let y_row = trace_row(now - 1u - params.dendritic, params.all_targets) + params.first_target;
    let x2_row = trace_row(now - 1u - params.axonal, params.sources);
    for (var k = rank; k < fired[params.fired_at + list]; k += workgroups) {
        // Spikes of others are beyond the end, or before the start and wrap around.
        let source = fired[params.fired_at + list + 1u + k] - params.place;
        if source >= params.sources {
            continue;
        }
        let factor = params.pair + params.triplet * x2[params.x2_at + x2_row + source];
        for (var j = local; j < params.targets; j += WG) {
            let stride = panel_stride(params.targets, j);
            let at = panel_column(params.sources + params.second, j) + source * stride;
            change_weight(at, params.second * stride, pace() * (params.constant + y[params.y_at + y_row + j] * factor));
        }
    }
}
