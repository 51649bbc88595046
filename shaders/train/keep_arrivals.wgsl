// One invocation = one neuron of one sample: what arrives at it, before a gain. Twin: src/train/keep_arrivals.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    for (var t = span.t0; t < span.t1; t++) {
        let row = b * params.steps + t;
        kept[row * params.n + id] = arrivals[row * params.width + params.first + id];
    }
}
