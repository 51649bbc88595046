// One invocation = one number of a row of a sample: its noise.
// Twin: src/train/noise.rs.
//!use lib/philox.wgsl
//!use lib/normal.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let row = rank / params.n;
    let id = rank % params.n;
    let b = row / params.rows;
    if b >= clock.samples {
        return;
    }
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let t = row % params.rows;
    let words = philox(vec4<u32>(id / 2u, t, 0u, presentation[b]), key);
    let pair = select(words.xy, words.zw, id % 2u == 1u);
    let place = b * (params.history + params.rows) + params.history + t;
    let at = place * params.stride + params.first + id;
    let before = select(0.0, values[at], params.accumulate == 1u);
    values[at] = before + params.deviation * normal_of(pair);
}
