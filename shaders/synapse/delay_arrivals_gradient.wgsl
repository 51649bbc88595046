// One invocation = one synapse: sums over the spikes of its source and the steps in which they arrive.
// Twin: src/synapse/delay_arrivals_gradient.rs.
//!use lib/sent.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let synapse = invocation(group, groups, local, WG);
    if synapse >= params.n * params.targets {
        return;
    }
    let column = synapse / (PANEL * params.n) * PANEL;
    let panel = min(PANEL, params.targets - column);
    let within = synapse - column * params.n;
    let i = within / panel;
    let j = column + within % panel;
    var total = 0.0;
    for (var b = 0u; b < clock.samples; b++) {
        for (var t = 0u; t < params.steps; t++) {
            let s = sent(b * (params.history + params.steps) + params.history + t, i);
            if s != 0.0 {
                let early = t + 1u + first[synapse];
                var sum = 0.0;
                for (var k = 0u; k < params.width && early + k < params.steps; k++) {
                    sum += parts[synapse * params.width + k] * arrivals_bar[(b * params.steps + early + k) * params.row + params.begin + j];
                }
                total += s * sum;
            }
        }
    }
    if params.by_delay == 1u {
        total *= weights[synapse];
    }
    gradient[synapse] = total;
}
