// A workgroup takes its share of the synapses of one spike after the other, and its invocations single ones.
// Twin: src/synapse/scatter.rs. Sums are i32 in two's complement, so their order does not matter.
//!use lib/shares.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let now = clock.step_lo + span.t0;
    let list = (now & (params.lists - 1u)) * params.list;
    let port_mask = (1u << params.port_bits) - 1u;
    let all_groups = groups.x * groups.y;
    let shares = shares_of(fired[list], all_groups);
    for (var k = group.y * groups.x + group.x; k < fired[list] * shares; k += all_groups) {
        // Sources of other parts are beyond the end, or before the start and wrap around.
        let source = fired[list + 1u + k / shares] - params.first;
        if source >= params.sources {
            continue;
        }
        let end = start[(source + 1u) * params.tiles];
        for (var s = start[source * params.tiles] + (k % shares) * WG + local; s < end; s += shares * WG) {
            let word = port[s];
            let place = word & port_mask;
            let slot = (now + (word >> params.port_bits)) & (params.slots - 1u);
            let tile = place / params.places;
            let at = (tile * params.slots + slot) * params.places + place % params.places;
            let tile_weight = source * params.tiles + tile;
            atomicAdd(&ring[at], weight[select(s, tile_weight, SHARED == 1u)]);
        }
    }
}
