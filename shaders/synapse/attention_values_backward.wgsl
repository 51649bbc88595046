// One invocation = one source of one sample at one step: the gradient by what it sent.
// Twin and equations: src/synapse/attention_values_backward.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.n;
    let t = span.t0 + rank / params.n % (span.t1 - span.t0);
    let b = rank / params.n / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let f = min(t / params.hold, params.frames - 1u);
    let at = (b * params.steps + t) * params.n + i;
    var by_activity = squeezed_bar[2u * b * params.frames + f] / f32(params.n);
    if largest[b * params.frames + f] == i {
        by_activity += squeezed_bar[(2u * b + 1u) * params.frames + f];
    }
    var before = 0.0;
    if params.accumulate == 1u {
        before = cotangent[at];
    }
    cotangent[at] = before + scores[b * params.frames + f] * attended_bar[at] + params.share * by_activity;
}
