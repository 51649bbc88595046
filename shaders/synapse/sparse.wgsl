// One invocation = one target of one sample at one step: gathers over its synapses.
// Twin: src/synapse/sparse.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let rows = min(span.t1, params.rows) - span.t0;
    let j = rank % params.targets;
    let t = span.t0 + rank / params.targets % rows;
    let b = rank / params.targets / rows;
    if b >= clock.samples {
        return;
    }
    let now = b * params.source_rows + params.history + t;
    let words = (params.sources + 31u) / 32u;
    let at = (b * params.rows + t) * params.stride + params.first + j;
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = arrivals[at];
    }
    for (var k = start[j]; k < start[j + 1u]; k++) {
        let i = source[k];
        var row = now - params.delay;
        if params.drawn == 1u {
            row = now - delays[k];
        }
        if VALUES == 1u {
            sum += weights[k] * x[row * params.sources + i];
        } else if ((spikes[row * words + i / 32u] >> (i % 32u)) & 1u) == 1u {
            sum += weights[k];
        }
    }
    arrivals[at] = sum;
}
