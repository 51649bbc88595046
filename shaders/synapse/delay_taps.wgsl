// One invocation = one source: the parts that arrive of its spikes, and their slopes by its delay.
// Twin: src/synapse/delay_taps.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let i = invocation(group, groups, local, WG);
    if i >= params.n {
        return;
    }
    let e = delays[i] - 1.0;
    let nearest = floor(e + 0.5);
    let at = i * params.width;
    for (var k = 0u; k < params.width; k++) {
        taps[at + k] = 0.0;
        slopes[at + k] = 0.0;
    }
    if params.rounded == 1u {
        first[i] = u32(nearest);
        taps[at] = 1.0;
        return;
    }
    if params.gauss == 0u {
        first[i] = u32(floor(e));
        taps[at] = 1.0 - (e - floor(e));
        taps[at + 1u] = e - floor(e);
        slopes[at] = -1.0;
        slopes[at + 1u] = 1.0;
        return;
    }
    first[i] = 0u;
    let square = sigma[0] * sigma[0];
    let next = nearest - e;
    var total = 0.0;
    var moment = 0.0;
    for (var k = 0u; k < params.width; k++) {
        let z = f32(k) - e;
        let tap = exp(((next - z) * (next + z)) / (2.0 * square));
        taps[at + k] = tap;
        total += tap;
        moment += tap * z;
    }
    let mean = moment / total;
    for (var k = 0u; k < params.width; k++) {
        let tap = taps[at + k] / total;
        taps[at + k] = tap;
        slopes[at + k] = (tap * ((f32(k) - e) - mean)) / square;
    }
}
