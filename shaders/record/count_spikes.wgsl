// One invocation = one sample: counts its spikes. Twin: src/record/count_spikes.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let words = (params.n + 31u) / 32u;
    let first = (b * (params.history + params.steps) + params.history + span.t0) * words;
    var total = 0u;
    for (var w = 0u; w < (span.t1 - span.t0) * words; w++) {
        total += countOneBits(spikes[params.spikes_at + first + w]);
    }
    counts[params.counts_at + b * params.slots + clock.slot] = total;
}
