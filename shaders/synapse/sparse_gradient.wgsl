// One invocation = one synapse: sums the gradients by the arrivals that its source made.
// Twin: src/synapse/sparse_gradient.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.synapses {
        return;
    }
    let i = source[k];
    let j = target_of[k];
    var sum = 0.0;
    if VALUES == 1u {
        for (var b = 0u; b < clock.samples; b++) {
            for (var t = 0u; t < params.rows; t++) {
                let row = b * params.source_rows + params.shift + t;
                sum += x[row * params.sources + i] * arrivals[(b * params.rows + t) * params.targets + j];
            }
        }
    } else {
        for (var w = 0u; w < params.train; w++) {
            var bits = trains[i * params.train + w];
            while bits != 0u {
                let row = w * 32u + firstTrailingBit(bits) + params.delay;
                sum += arrivals[row * params.targets + j];
                bits &= bits - 1u;
            }
        }
    }
    gradient[k] = sum;
}
