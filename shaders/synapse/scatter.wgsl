// A workgroup takes its share of the synapses of one spike after the other, and its invocations single ones.
// Twin: src/synapse/scatter.rs. Sums are i32 in two's complement, so their order does not matter.
//!use lib/shares.wgsl

// Adds what a spike of step `now` carries through synapse s, whose first word is known, of a source to a tile.
fn carry(s: u32, word: u32, source: u32, tile: u32, now: u32) {
    let place = (word & ((1u << params.port_bits) - 1u)) % params.places;
    let slot = (now + params.least + (word >> params.port_bits)) & (params.slots - 1u);
    let at = (tile * params.slots + slot) * params.places + place;
    atomicAdd(&ring[at], weight[select(s, source * params.tiles + tile, SHARED == 1u)]);
}

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
        let first = (k % shares) * WG + local;
        let segment = source * params.tiles;
        if NARROW == 0u {
            let end = start[segment + params.tiles];
            for (var s = start[segment] + first; s < end; s += shares * WG) {
                carry(s, port[s], source, (port[s] & port_mask) / params.places, now);
            }
            continue;
        }
        // Half words do not tell the tile.
        for (var tile = 0u; tile < params.tiles; tile++) {
            let end = start[segment + tile + 1u];
            for (var s = start[segment + tile] + first; s < end; s += shares * WG) {
                carry(s, (port[s / 2u] >> (16u * (s % 2u))) & 0xffffu, source, tile, now);
            }
        }
    }
}
