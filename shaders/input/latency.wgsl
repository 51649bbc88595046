// One invocation = 32 sources of one sample at one step: writes one word of spikes.
// Twin: src/input/latency.rs.
//!use lib/pixel.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let words = (params.n + 31u) / 32u;
    let w = rank % words;
    let t = span.t0 + rank / words % (span.t1 - span.t0);
    let b = rank / words / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    var bits = 0u;
    for (var k = 0u; k < 32u && w * 32u + k < params.n; k++) {
        let id = w * 32u + k;
        bits |= select(0u, 1u, step_of[intensity(b, t, id)] == t % params.hold) << k;
    }
    let at = (b * (params.history + params.steps) + params.history + t) * params.row;
    spikes[at + params.first + w] = bits;
}
