// One invocation = one number that a modulator moves. Twin and equation: src/plasticity/modulate.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    n: u32,
    modulator: u32,
    first: u32,
    group: u32,
    stride: u32,
    rest: f32,
    scale: f32,
    least: f32,
    shift: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<storage, read_write> numbers: array<f32>;
@group(0) @binding(3) var<storage, read> base: array<f32>;
@group(0) @binding(4) var<storage, read> concentration: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.n {
        return;
    }
    let at = params.first + k / params.group * params.stride + k % params.group;
    let d = concentration[params.modulator] - params.rest;
    let factor = max(1.0 + params.scale * d, params.least);
    numbers[at] = base[at] * factor + params.shift * d;
}
