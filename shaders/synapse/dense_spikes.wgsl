// One invocation = one target of one sample at one step: sums the weights of the sources that
// spiked. Twin: src/synapse/dense_spikes.rs. Neighbouring invocations read the same spikes and
// neighbouring weights.
//!use lib/call.wgsl
//!use lib/panel.wgsl
override WG: u32;

struct Params {
    sources: u32,
    targets: u32,
    first: u32,
    width: u32,
    steps: u32,
    history: u32,
    delay: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<uniform> clock: Clock;
@group(0) @binding(3) var<storage, read> spikes: array<u32>;
@group(0) @binding(4) var<storage, read> weights: array<f32>;
@group(0) @binding(5) var<storage, read_write> arrivals: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let j = rank % params.width;
    let t = span.t0 + rank / params.width % (span.t1 - span.t0);
    let b = rank / params.width / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let column = panel_column(params.sources, j);
    let stride = panel_stride(params.width, j);
    let words = (params.sources + 31u) / 32u;
    let row = (b * (params.history + params.steps) + params.history + t - params.delay) * words;
    let at = (b * params.steps + t) * params.targets + params.first + j;
    var sum = 0.0;
    if params.accumulate == 1u {
        sum = arrivals[at];
    }
    for (var w = 0u; w < words; w++) {
        var bits = spikes[row + w];
        while bits != 0u {
            sum += weights[column + (w * 32u + firstTrailingBit(bits)) * stride];
            bits &= bits - 1u;
        }
    }
    arrivals[at] = sum;
}
