// One invocation = one word of history of one sample. Twin: src/record/carry_spikes.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    words: u32,
    steps: u32,
    history: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read_write> spikes: array<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let size = params.history * params.words;
    let b = rank / size;
    if b >= clock.samples {
        return;
    }
    let to = b * (params.history + params.steps) * params.words + rank % size;
    spikes[to] = spikes[to + params.steps * params.words];
}
