// One invocation = one source of one sample at one step: what it sent times the score of the frame.
// Twin: src/synapse/attention_values.rs.
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
    let row = b * (params.history + params.steps) + params.history + t;
    let f = min(t / params.hold, params.frames - 1u);
    attended[row * params.n + i] = scores[b * params.frames + f] * sent(row, i);
}
