// One invocation = four neurons of one sample at one step: draws their events. Twin: src/input/poisson_window.rs.
//!use lib/philox.wgsl

// Events of a table.
fn events(table: u32, random: u32) -> u32 {
    var count = 0u;
    for (var k = 1u; k <= level[table]; k++) {
        count += select(0u, 1u, random >= level[table + k]);
    }
    return count;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let fours = (params.n + 3u) / 4u;
    let row = rank / fours;
    let b = row / params.steps;
    let t = row % params.steps;
    if b >= clock.samples {
        return;
    }
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let random = philox(vec4<u32>(rank % fours, t, 0u, presentation[b]), key);
    let on = t >= params.start && t < params.stop;
    for (var lane = 0u; lane < 4u; lane++) {
        let id = (rank % fours) * 4u + lane;
        if id < params.n {
            let at = row * params.stride + params.place + id;
            var now = 0.0;
            if params.accumulate == 1u {
                now = inbox[at];
            }
            if on {
                let own = select(0u, id, params.own == 1u);
                now += params.weight * f32(events(first[own], random[lane]));
            }
            inbox[at] = now;
        }
    }
}
