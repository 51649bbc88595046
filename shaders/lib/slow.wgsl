// States of slow processes, as a float and what its rounding would lose. Reasons and twin: src/slow.rs.

// x.x + change; what that rounds off is in the second number. The sum goes without its last bit, which costs
// nothing, as the second number has it: a compiler that takes floats for real numbers would else find
// that the second number is always 0.
fn advanced(x: vec2<f32>, change: f32) -> vec2<f32> {
    let addition = x.y + change;
    let sum = bitcast<f32>(bitcast<u32>(x.x + addition) & 0xfffffffeu);
    return vec2<f32>(sum, addition - (sum - x.x));
}

// e^x - 1; near 0, where the difference would lose its digits, by its series.
fn exp_m1(x: f32) -> f32 {
    if abs(x) < 0.1 {
        return x + x * x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0)));
    }
    return exp(x) - 1.0;
}
