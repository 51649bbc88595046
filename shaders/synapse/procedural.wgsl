// A workgroup takes its share of the synapses of one spike after the other, and its invocations four to a
// draw. Twin: src/synapse/procedural.rs.
//!use lib/philox.wgsl
//!use lib/shares.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let list = (now & (params.lists - 1u)) * params.list;
    let slot = (now + params.delay) & (params.slots - 1u);
    let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ params.stream);
    let choices = params.targets - params.skip;
    let all_groups = groups.x * groups.y;
    let shares = shares_of(fired[list], all_groups);
    for (var k = group.y * groups.x + group.x; k < fired[list] * shares; k += all_groups) {
        // Sources of other populations are beyond the end, or before the start and wrap around.
        let source = fired[list + 1u + k / shares] - params.first;
        if source >= params.sources {
            continue;
        }
        for (var j = (k % shares) * WG + local; j * 4u < params.degree; j += shares * WG) {
            let words = philox(vec4<u32>(j, source, 0u, 0u), key);
            for (var lane = 0u; lane < 4u && j * 4u + lane < params.degree; lane++) {
                var target_id = philox_mul_high(words[lane], choices);
                if params.skip == 1u && target_id >= source {
                    target_id++;
                }
                let tile = params.first_tile + target_id / params.tile;
                let row = (tile * params.slots + slot) * params.stride + params.receptor;
                atomicAdd(&ring[row * params.tile + target_id % params.tile], params.weight);
            }
        }
    }
}
