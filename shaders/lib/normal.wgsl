// Normal numbers of random words, by Box and Muller's transform. Twin: src/input/noise.rs.

fn uniform_of(word: u32) -> f32 {
    return (f32(word >> 9u) + 0.5) * (1.0 / 8388608.0);
}

fn normal_of(pair: vec2<u32>) -> f32 {
    return sqrt(-2.0 * log(uniform_of(pair.x))) * cos(6.283185307179586 * uniform_of(pair.y));
}
