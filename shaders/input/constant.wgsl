// One invocation = one source of one sample: its value. Twin: src/input/constant.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    n: u32,
    scale: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> pixels: array<u32>;
@group(0) @binding(4) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let b = rank / params.n;
    let id = rank % params.n;
    if b >= clock.samples {
        return;
    }
    let word = pixels[b * ((params.n + 3u) / 4u) + id / 4u];
    values[rank] = params.scale * f32((word >> (8u * (id % 4u))) & 255u);
}
