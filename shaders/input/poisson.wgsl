// One invocation = 32 sources of one sample at one step: draws their spikes, writes one word.
// Twin: src/input/poisson.rs.
//!use lib/philox.wgsl
//!use lib/pixel.wgsl

fn level(b: u32, t: u32, id: u32) -> u32 {
    if id >= params.n {
        return 0u;
    }
    if IMAGES == 0u {
        return threshold[id];
    }
    return threshold[intensity(b, t, id)];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let words = (params.n + 31u) / 32u;
    let w = rank % words;
    let t = span.t0 + rank / words % (span.t1 - span.t0);
    let b = rank / words / (span.t1 - span.t0);
    if b >= clock.samples {
        return;
    }
    let step_lo = clock.step_lo + t;
    let step_hi = clock.step_hi + select(0u, 1u, step_lo < t);
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    var bits = 0u;
    for (var k = 0u; k < 32u; k += 4u) {
        let first = w * 32u + k;
        let levels = vec4<u32>(level(b, t, first), level(b, t, first + 1u), level(b, t, first + 2u), level(b, t, first + 3u));
        if any(levels != vec4<u32>(0u)) {
            let random = philox(vec4<u32>(first / 4u, step_lo, step_hi, presentation[b]), key);
            let hits = select(vec4<u32>(0u), vec4<u32>(1u, 2u, 4u, 8u), random < levels);
            bits |= (hits.x | hits.y | hits.z | hits.w) << k;
        }
    }
    let at = (b * (params.history + params.steps) + params.history + t) * params.row;
    spikes[at + params.first + w] = bits;
}
