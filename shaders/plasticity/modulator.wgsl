// One workgroup = the concentration of one modulator over a step. Twin: src/plasticity/modulator.rs.
//!use lib/slow.wgsl

var<workgroup> count: atomic<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if group.x > 0u || group.y > 0u {
        return;
    }
    for (var word = local; word < params.words; word += WG) {
        atomicAdd(&count, countOneBits(spikes[span.t0 * params.row + params.first_word + word]));
    }
    workgroupBarrier();
    if local == 0u {
        var change = params.amount * f32(atomicLoad(&count));
        let rest = params.modulators + params.modulator;
        let d = vec2<f32>(concentration[params.modulator], concentration[rest]);
        if params.first == 1u {
            let released = release[span.t0 * params.modulators + params.modulator];
            change += params.fall * (d.x - params.baseline) + released;
        }
        let after = advanced(d, change);
        concentration[params.modulator] = after.x;
        concentration[rest] = after.y;
    }
}
