// One invocation = one source of one sample at one step: sums over its targets and the steps in which its spike arrives.
// Twin: src/synapse/delay_arrivals_backward.rs.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.n;
    let t = span.t0 + rank / params.n % (span.t1 - span.t0);
    let b = rank / params.n / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let at = (b * params.steps + t) * params.n + i;
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = cotangent[at];
    }
    for (var j = 0u; j < params.targets; j++) {
        let synapse = panel_column(params.n, j) + i * panel_stride(params.targets, j);
        let early = t + 1u + first[synapse];
        var of_synapse = 0.0;
        for (var k = 0u; k < params.width && early + k < params.steps; k++) {
            of_synapse += taps[synapse * params.width + k] * arrivals_bar[(b * params.steps + early + k) * params.row + params.begin + j];
        }
        sum += weights[synapse] * of_synapse;
    }
    cotangent[at] = sum;
}
