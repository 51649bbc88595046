// One invocation = one weight: sums the gradients by the arrivals that the source's spikes made.
// Twin: src/synapse/dense_spikes_gradient.rs.
//!use lib/panel.wgsl
const PANEL = 64u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let j = rank % params.width;
    let i = rank / params.width;
    if i >= params.sources {
        return;
    }
    var sum = 0.0;
    for (var w = 0u; w < params.train; w++) {
        var bits = trains[params.trains_at + i * params.train + w];
        while bits != 0u {
            let row = w * 32u + firstTrailingBit(bits) + params.delay;
            sum += arrivals[params.arrivals_at + row * params.targets + params.first + j];
            bits &= bits - 1u;
        }
    }
    gradient[params.gradient_at + panel_column(params.sources, j) + i * panel_stride(params.width, j)] = sum;
}
