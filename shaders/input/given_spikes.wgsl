// One invocation = one word of the row. Twin: src/input/given_spikes.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    words: u32,
    row: u32,
    first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<storage, read> given: array<u32>;
@group(0) @binding(3) var<storage, read_write> spikes: array<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let word = invocation(group, groups, local, WG);
    if word < params.words {
        spikes[span.t0 * params.row + params.first + word] = given[span.t0 * params.words + word];
    }
}
