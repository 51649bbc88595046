// One invocation = one weight to a readout, of one sample: its part of the gradient by the steps of a chunk. Twin and
// equation: src/train/eprop_output.rs.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let weights = params.sources * params.outputs;
    let b = rank / weights;
    if b >= clock.samples {
        return;
    }
    let j = rank % weights / params.outputs;
    let k = rank % params.outputs;
    let at = b * weights + panel_column(params.sources, k) + j * panel_stride(params.outputs, k);
    let begin = (span.t1 - 1u) / params.ring * params.ring;
    var sum = 0.0;
    if begin > 0u {
        sum = sums[at];
    }
    for (var t = begin; t < span.t1; t++) {
        let row = b * params.ring + t % params.ring;
        sum += errors[row * params.outputs + k] * left[row * params.sources + j];
    }
    sums[at] = sum;
}
