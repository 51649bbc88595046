// One invocation = one neuron of one sample, through all steps. Twin: src/input/noise_window.rs.
//!use lib/philox.wgsl
//!use lib/normal.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    let b = k / params.n;
    let id = k % params.n;
    if b >= clock.samples {
        return;
    }
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let own = select(0u, id, params.own == 1u);
    var x = 0.0;
    for (var t = 0u; t < params.steps; t++) {
        let words = philox(vec4<u32>(id / 2u, t, 0u, presentation[b]), key);
        let pair = select(words.xy, words.zw, id % 2u == 1u);
        x += params.fall * x + select(params.fresh, 1.0, t == 0u) * normal_of(pair);
        let at = (b * params.steps + t) * params.stride + params.place + id;
        var now = 0.0;
        if params.accumulate == 1u {
            now = inbox[at];
        } else {
            now = course[t * params.n + id];
        }
        if t >= params.start && t < params.stop {
            now += mean[own] + deviation[own] * x;
        }
        inbox[at] = now;
    }
}
