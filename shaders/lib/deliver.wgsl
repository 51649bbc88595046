// What the kernels that deliver weights that change share: what a spike carries, and the ring. A kernel that
// uses this has the option `SHORT_TERM`, the arrays `efficacy` and `ring`, and parameters that begin with the fields
// of `Delivery`. Twin: src/synapse/mod.rs.

// Units of the ring that a weight of 1 of this source brings.
fn carried(source: u32) -> f32 {
    if SHORT_TERM == 1u {
        return params.units * efficacy[params.efficacy_at + source];
    }
    return params.units;
}

// Adds a weight, in units of the ring, to what arrives at a target in step `step`.
fn arrive(target_id: u32, step: u32, units: f32) {
    let tile = params.first_tile + target_id / params.tile;
    let slot = step & (params.ring_slots - 1u);
    let row = (tile * params.ring_slots + slot) * params.stride + params.receptor;
    atomicAdd(&ring[params.ring_at + row * params.tile + target_id % params.tile], bitcast<u32>(i32(round(units))));
}
