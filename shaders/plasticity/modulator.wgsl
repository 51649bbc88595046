// One workgroup = the concentration of one modulator over a step. Twin: src/plasticity/modulator.rs.
//!use lib/slow.wgsl

var<workgroup> count: atomic<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let first = invocation(group, groups, local, WG);
    if local == 0u {
        atomicStore(&count, 0u);
    }
    workgroupBarrier();
    for (var word = first; word < params.words; word += WG) {
        atomicAdd(&count, countOneBits(spikes[params.spikes_at + span.t0 * params.row + params.first_word + word]));
    }
    workgroupBarrier();
    if local == 0u {
        var change = params.amount * f32(atomicLoad(&count));
        let rest = params.modulators + params.modulator;
        let d = vec2<f32>(concentration[params.concentration_at + params.modulator], concentration[params.concentration_at + rest]);
        if params.first == 1u {
            let released = release[params.release_at + span.t0 * params.modulators + params.modulator];
            change += params.fall * (d.x - params.baseline) + released;
        }
        let after = advanced(d, change);
        concentration[params.concentration_at + params.modulator] = after.x;
        concentration[params.concentration_at + rest] = after.y;
    }
}
