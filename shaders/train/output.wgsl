// One invocation = one readout of one sample: its outputs. Twin: src/train/output.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let first = (b * params.steps * params.width) + params.first + id;
    if OVER == 1u {
        var best = tape[first];
        var when = 0u;
        for (var t = 1u; t < params.steps; t++) {
            let v = tape[first + t * params.width];
            if v > best {
                best = v;
                when = t;
            }
        }
        output[k] = best / params.v_unit;
        peak[k] = when;
        return;
    }
    for (var part = 0u; part < params.parts; part++) {
        let begin = params.begin + part * params.length;
        var sum = 0.0;
        for (var t = begin; t < begin + params.length; t++) {
            sum += tape[first + t * params.width];
        }
        output[(b * params.parts + part) * params.n + id] = sum / params.share / params.v_unit;
    }
}
