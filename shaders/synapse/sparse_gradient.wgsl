// One invocation = one synapse: sums the gradients by the arrivals that its source made.
// Twin: src/synapse/sparse_gradient.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.synapses {
        return;
    }
    let i = source[k];
    let j = params.first + target_of[k];
    var delay = params.delay;
    if params.drawn == 1u {
        delay = delays[k];
    }
    var sum = 0.0;
    if VALUES == 1u {
        for (var b = 0u; b < clock.samples; b++) {
            for (var t = 0u; t < params.rows; t++) {
                let row = b * params.source_rows + params.history + t - delay;
                sum += x[row * params.sources + i] * arrivals[(b * params.rows + t) * params.stride + j];
            }
        }
    } else {
        for (var w = 0u; w < params.train; w++) {
            var bits = trains[i * params.train + w];
            while bits != 0u {
                let row = w * 32u + firstTrailingBit(bits);
                // The trains leave out what comes too late with the least delay.
                if (params.drawn == 0u) || (row % params.steps + delay < params.steps) {
                    sum += arrivals[(row + delay) * params.stride + j];
                }
                bits &= bits - 1u;
            }
        }
    }
    gradient[k] = sum;
}
