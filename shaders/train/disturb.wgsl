// One invocation = one weight: its copy with noise.
// Twin and equation: src/train/disturb.rs.
//!use lib/philox.wgsl
//!use lib/normal.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let words = philox(vec4<u32>(k / 2u, params.tile, 0u, presentation[0]), key);
    let pair = select(words.xy, words.zw, k % 2u == 1u);
    let off = params.deviation * normal_of(pair);
    let w = params.factor * (weights[k] + off);
    // What is no number stays one, to be found.
    copy[k] = select(w, params.floor, w < params.floor);
}
