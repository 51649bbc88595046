// One invocation = one target of one sample at one step: gathers over its synapses.
// Twin: src/synapse/sparse.rs.
//!use lib/call.wgsl
override WG: u32;
override VALUES: u32;

struct Params {
    sources: u32,
    targets: u32,
    source_rows: u32,
    shift: u32,
    rows: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> spikes: array<u32>;
@group(0) @binding(4) var<storage, read> x: array<f32>;
@group(0) @binding(5) var<storage, read> start: array<u32>;
@group(0) @binding(6) var<storage, read> source: array<u32>;
@group(0) @binding(7) var<storage, read> weights: array<f32>;
@group(0) @binding(8) var<storage, read_write> arrivals: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let rows = min(span.t1, params.rows) - span.t0;
    let j = rank % params.targets;
    let t = span.t0 + rank / params.targets % rows;
    let b = rank / params.targets / rows;
    if b >= clock.samples {
        return;
    }
    let row = b * params.source_rows + params.shift + t;
    let words = (params.sources + 31u) / 32u;
    let at = (b * params.rows + t) * params.targets + j;
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = arrivals[at];
    }
    for (var k = start[j]; k < start[j + 1u]; k++) {
        let i = source[k];
        if VALUES == 1u {
            sum += weights[k] * x[row * params.sources + i];
        } else if ((spikes[row * words + i / 32u] >> (i % 32u)) & 1u) == 1u {
            sum += weights[k];
        }
    }
    arrivals[at] = sum;
}
