// One invocation = one source of one sample at one step: sums what arrives of it.
// Twin: src/synapse/delay_values.rs.
//!use lib/sent.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.n;
    let t = span.t0 + rank / params.n % (span.t1 - span.t0);
    let b = rank / params.n / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let now = b * (params.history + params.steps) + params.history + t;
    let early = first[i] + 1u;
    var sum = 0.0;
    for (var k = 0u; k < params.width && early + k <= t; k++) {
        sum += taps[i * params.width + k] * sent(now - early - k, i);
    }
    delayed[(b * params.steps + t) * params.n + i] = sum;
}
