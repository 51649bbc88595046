// Scaling towards a rate. Twin and equation: src/plasticity/scaling.rs.
//!use lib/panel.wgsl
//!use lib/slow.wgsl

// What multiplies the source's part, and what the weight.
fn of_target(r: f32, m: f32) -> vec2<f32> {
    return vec2<f32>(0.0, params.eta * (m - params.rho));
}

// The source's part.
fn of_source(r: f32, m: f32) -> f32 {
    return r;
}
//!use lib/rates.wgsl
