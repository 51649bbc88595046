// A rule of rates. Twin and equation: src/plasticity/covariance.rs.
//!use lib/panel.wgsl
//!use lib/slow.wgsl

// What multiplies the source's part, and what the weight.
fn of_target(r: f32, m: f32) -> vec2<f32> {
    return vec2<f32>(params.eta * (r - m), 0.0);
}

// The source's part.
fn of_source(r: f32, m: f32) -> f32 {
    return r - m;
}
//!use lib/rates.wgsl
