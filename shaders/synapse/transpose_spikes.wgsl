// One invocation = 32 rows (sample, step) of one source: gathers its bits into one word.
// Twin: src/synapse/transpose_spikes.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    // Neighbours take neighbouring sources of the same rows: they read the same words.
    let rank = invocation(group, groups, local, WG);
    let source = rank % params.sources;
    let column = rank / params.sources;
    if column >= params.train {
        return;
    }
    let words = (params.sources + 31u) / 32u;
    var bits = 0u;
    for (var k = 0u; k < 32u; k++) {
        let row = column * 32u + k;
        let b = row / params.steps;
        let t = row % params.steps;
        if b < clock.samples && t + params.delay < params.steps {
            let at = b * (params.history + params.steps) + params.history + t;
            bits |= ((spikes[params.spikes_at + at * words + source / 32u] >> (source % 32u)) & 1u) << k;
        }
    }
    trains[params.trains_at + source * params.train + column] = bits;
}
