// One invocation = 32 sources at one step: draws how many spike and which, writes one word.
// Twin: src/input/poisson_alike.rs.
//!use lib/philox.wgsl

const MEMBERS = 0x80000000u;

// A set of `count` of 32.
fn members(count: u32, word: u32, rest: vec3<u32>, key: vec2<u32>) -> u32 {
    let drawn = min(count, 32u - count);
    var members_set = 0u;
    for (var call = 0u; countOneBits(members_set) < drawn; call++) {
        let random = philox(vec4<u32>(MEMBERS | word, rest.x, rest.y ^ (call << 16u), rest.z), key);
        for (var lane = 0u; lane < 4u && countOneBits(members_set) < drawn; lane++) {
            members_set |= 1u << (random[lane] >> 27u);
        }
    }
    return select(members_set, ~members_set, count > 16u);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let words = (params.n + 31u) / 32u;
    let w = rank % words;
    let t = span.t0 + rank / words;
    if t >= span.t1 {
        return;
    }
    let step_lo = clock.step_lo + t;
    let step_hi = clock.step_hi + select(0u, 1u, step_lo < t);
    let rest = vec3<u32>(step_lo, step_hi, presentation[0]);
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let random = philox(vec4<u32>(w / 4u, rest), key)[w % 4u];
    var count = 0u;
    while count < 32u && random >= level[count] {
        count++;
    }
    var bits = members(count, w, rest, key);
    if w == words - 1u && params.n % 32u > 0u {
        bits &= (1u << (params.n % 32u)) - 1u;
    }
    spikes[t * params.row + params.first + w] = bits;
}
