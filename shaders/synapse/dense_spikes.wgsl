// One invocation = four targets of one sample at one step: sums the weights of the sources that
// spiked. Twin: src/synapse/dense_spikes.rs. The four share the search for spikes; they lie a quarter of
// the targets apart, so that neighbouring invocations read neighbouring weights.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let quarter = (params.width + 3u) / 4u;
    let t = span.t0 + rank / quarter % (span.t1 - span.t0);
    let b = rank / quarter / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let j = rank % quarter + vec4<u32>(0u, 1u, 2u, 3u) * quarter;
    let inside = j < vec4<u32>(params.width);
    let k = min(j, vec4<u32>(params.width - 1u));
    let column = vec4<u32>(
        panel_column(params.sources, k.x),
        panel_column(params.sources, k.y),
        panel_column(params.sources, k.z),
        panel_column(params.sources, k.w),
    );
    let stride = vec4<u32>(
        panel_stride(params.width, k.x),
        panel_stride(params.width, k.y),
        panel_stride(params.width, k.z),
        panel_stride(params.width, k.w),
    );
    let words = (params.sources + 31u) / 32u;
    let row = (b * (params.history + params.steps) + params.history + t - params.delay) * words;
    let at = (b * params.kept + t % params.kept) * params.targets + params.first + k;
    var sum = vec4<f32>(0.0);
    if params.accumulate == 1u {
        sum = vec4<f32>(arrivals[at.x], arrivals[at.y], arrivals[at.z], arrivals[at.w]);
    }
    for (var w = 0u; w < words; w++) {
        var bits = spikes[row + w];
        while bits != 0u {
            let i = column + (w * 32u + firstTrailingBit(bits)) * stride;
            sum += vec4<f32>(weights[i.x], weights[i.y], weights[i.z], weights[i.w]);
            bits &= bits - 1u;
        }
    }
    for (var q = 0u; q < 4u; q++) {
        if inside[q] {
            arrivals[at[q]] = sum[q];
        }
    }
}
