// One invocation = one readout of one sample: gradients by its potentials. Twin: src/train/output_back.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let end = params.begin + params.parts * params.length;
    for (var t = 0u; t < params.steps; t++) {
        var by = 0.0;
        if OVER == 1u {
            if peak[k] == t {
                by = output_gradient[k] / params.v_unit;
            }
        } else if (t >= params.begin) && (t < end) {
            let part = (t - params.begin) / params.length;
            by = output_gradient[(b * params.parts + part) * params.n + id] / params.v_unit / params.share;
        }
        by_potential[(b * params.steps + t) * params.width + params.first + id] = by;
    }
}
