// One invocation = one source of one sample at one step: gathers over its synapses.
// Twin: src/synapse/sparse_backward.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let i = rank % params.sources;
    let t = span.t0 + rank / params.sources % (span.t1 - span.t0);
    let b = rank / params.sources / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let at = (b * params.steps + t) * params.sources + i;
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = cotangent[at];
    }
    for (var k = out_start[i]; k < out_start[i + 1u]; k++) {
        var arrive = t + params.delay;
        if params.drawn == 1u {
            arrive = t + delays[synapse[k]];
        }
        if arrive < params.steps {
            let row = (b * params.steps + arrive) * params.stride + params.first;
            sum += weights[synapse[k]] * arrivals[row + target_id[k]];
        }
    }
    cotangent[at] = sum;
}
