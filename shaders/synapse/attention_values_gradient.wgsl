// One invocation = one frame of one sample: the gradient by its score.
// Twin: src/synapse/attention_values_gradient.rs.
//!use lib/sent.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let f = rank % params.frames;
    let b = rank / params.frames;
    if b >= clock.samples {
        return;
    }
    let row = b * (params.history + params.steps) + params.history;
    let end = select((f + 1u) * params.hold, params.steps, f + 1u == params.frames);
    var sum = 0.0;
    for (var t = f * params.hold; t < end; t++) {
        for (var i = 0u; i < params.n; i++) {
            sum += sent(row + t, i) * attended_bar[(b * params.steps + t) * params.n + i];
        }
    }
    scores_bar[rank] = sum;
}
