// One invocation = one neuron of one sample: its learning signals of the steps of a chunk. Twin and equation:
// src/train/eprop_feedback.rs.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let b = rank / params.n;
    let j = rank % params.n;
    if b >= clock.samples {
        return;
    }
    for (var t = (span.t1 - 1u) / params.ring * params.ring; t < span.t1; t++) {
        let row = b * params.ring + t % params.ring;
        var sum = 0.0;
        if params.accumulate == 1u {
            sum = signal[row * params.n + j];
        }
        for (var k = 0u; k < params.outputs; k++) {
            let at = panel_column(params.n, k) + j * panel_stride(params.outputs, k);
            sum += errors[row * params.outputs + k] * feedback[at];
        }
        signal[row * params.n + j] = sum;
    }
}
