// Random words of four neighbouring sources of a sample: one below `params.threshold` is silent for the whole
// presentation. Twin: src/train/drop_spikes.rs.
fn draws(four: u32, b: u32) -> vec4<u32> {
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    return philox(vec4<u32>(four, 0u, 0u, presentation[b]), key);
}
