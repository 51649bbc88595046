// One invocation = 32 sources of one sample: copies their spikes of all rows, without those of the silent.
// Twin: src/train/drop_spikes.rs.
//!use lib/philox.wgsl
//!use lib/drop.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let words = (params.n + 31u) / 32u;
    let w = rank % words;
    let b = rank / words;
    if b >= clock.samples {
        return;
    }
    var mask = 0u;
    for (var k = 0u; k < 8u; k++) {
        let stays = draws(w * 8u + k, b) >= vec4<u32>(params.threshold);
        let bits = select(vec4<u32>(0u), vec4<u32>(1u, 2u, 4u, 8u), stays);
        mask |= (bits.x | bits.y | bits.z | bits.w) << (4u * k);
    }
    for (var t = 0u; t < params.rows; t++) {
        let at = (b * params.rows + t) * words + w;
        kept[at] = spikes[at] & mask;
    }
}
