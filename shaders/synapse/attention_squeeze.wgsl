// One invocation = one frame of one sample: the mean and the largest activity of its sources.
// Twin: src/synapse/attention_squeeze.rs.
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
    var total = 0.0;
    var most = 0.0;
    var which = 0u;
    for (var i = 0u; i < params.n; i++) {
        var activity = 0.0;
        for (var t = f * params.hold; t < end; t++) {
            activity += sent(row + t, i);
        }
        activity *= params.share;
        total += activity;
        if i == 0u || activity > most {
            most = activity;
            which = i;
        }
    }
    squeezed[2u * b * params.frames + f] = total / f32(params.n);
    squeezed[(2u * b + 1u) * params.frames + f] = most;
    largest[b * params.frames + f] = which;
}
