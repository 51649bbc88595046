// One invocation = one source of one sample: sums over its spikes and the steps in which they arrive.
// Twin: src/synapse/delay_gradient.rs.
//!use lib/sent.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.n;
    let b = rank / params.n;
    if b >= clock.samples {
        return;
    }
    var total = 0.0;
    for (var t = 0u; t < params.steps; t++) {
        let s = sent(b * (params.history + params.steps) + params.history + t, i);
        if s != 0.0 {
            let begin = t + first[i];
            var sum = 0.0;
            for (var k = 0u; k < params.width && begin + k < params.steps; k++) {
                sum += slopes[i * params.width + k] * delayed_bar[(b * params.steps + begin + k) * params.n + i];
            }
            total += s * sum;
        }
    }
    gradient[b * params.n + i] = total;
}
