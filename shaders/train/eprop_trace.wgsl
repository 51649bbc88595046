// One invocation = one source of one sample: what its spikes have left on a membrane, for the steps of a chunk. Twin and
// equations: src/train/eprop_trace.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let b = rank / params.sources;
    let i = rank % params.sources;
    if b >= clock.samples {
        return;
    }
    let words = (params.sources + 31u) / 32u;
    let begin = (span.t1 - 1u) / params.ring * params.ring;
    let ring = b * params.ring;
    var c = 0.0;
    var x = 0.0;
    if begin > 0u {
        c = current[rank];
        x = left[(ring + (begin - params.lag + params.ring - 1u) % params.ring) * params.sources + i];
    }
    for (var t = max(begin, params.lag) - params.lag; t < span.t1 - params.lag; t++) {
        let row = b * (params.history + params.steps) + params.history + t - 1u;
        let arrived = f32((spikes[row * words + i / 32u] >> (i % 32u)) & 1u);
        x += params.fall_m * x + params.p21 * c + params.jump * arrived;
        c += params.fall_syn * c + arrived;
        left[(ring + t % params.ring) * params.sources + i] = x;
    }
    current[rank] = c;
}
