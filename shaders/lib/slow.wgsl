// States of slow processes, as a float and what its rounding would lose. Reasons and twin: src/slow.rs.

// number.x + change; what that rounds off is in the second number. The sum goes without its last bit, which costs
// nothing, as the second number has it: a compiler that takes floats for real numbers would else find
// that the second number is always 0.
fn advanced(number: vec2<f32>, change: f32) -> vec2<f32> {
    let addition = number.y + change;
    let sum = bitcast<f32>(bitcast<u32>(number.x + addition) & 0xfffffffeu);
    return vec2<f32>(sum, addition - (sum - number.x));
}

// e^exponent - 1; near 0, where the difference would lose its digits, by its series.
fn exp_m1(exponent: f32) -> f32 {
    if abs(exponent) < 0.1 {
        return exponent + exponent * exponent * (0.5 + exponent * (1.0 / 6.0 + exponent * (1.0 / 24.0)));
    }
    return exp(exponent) - 1.0;
}
