// One invocation = one source of one sample at one step: sums over the steps in which its spike arrives.
// Twin: src/synapse/delay_values_backward.rs.

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
    let begin = t + first[i];
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = cotangent[at];
    }
    for (var k = 0u; k < params.width && begin + k < params.steps; k++) {
        sum += taps[i * params.width + k] * delayed_bar[(b * params.steps + begin + k) * params.n + i];
    }
    cotangent[at] = sum;
}
