// One invocation = one recorded neuron. Twin: src/record/sample.rs.
//!use lib/call.wgsl
override WG: u32;

struct Params {
    count: u32,
    rows: u32,
    row: u32,
    every: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> state: array<f32>;
@group(0) @binding(4) var<storage, read> ids: array<u32>;
@group(0) @binding(5) var<storage, read_write> samples: array<f32>;

//!use lib/interval.wgsl

const BLOCK = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local, WG);
    if i >= params.count {
        return;
    }
    // Steps since the last multiple of `every` before the window, this one included.
    let since = remainder(clock.step_hi, clock.step_lo, params.every) + span.t0 + 1u;
    if since % params.every != 0u {
        return;
    }
    let k = since / params.every - 1u;
    let neuron = ids[i];
    let at = (neuron / BLOCK * params.rows + params.row) * BLOCK + neuron % BLOCK;
    samples[k * params.count + i] = state[at];
}
