// One invocation = one number of state. Twin: src/train/restart.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    n: u32,
    rows: u32,
    kept: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<storage, read_write> state: array<f32>;
@group(0) @binding(3) var<storage, read> start: array<f32>;

const BLOCK = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k < params.n && k / BLOCK % params.rows != params.kept {
        state[k] = start[k];
    }
}
