// One workgroup: each invocation takes every n-th word of the row of spikes and appends the
// sources that spiked to the list. Twin: src/synapse/list_spikes.rs.

var<workgroup> count: atomic<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if group.x > 0u || group.y > 0u {
        return;
    }
    let list = ((clock.step_lo + span.t0) & (params.slots - 1u)) * (1u + 32u * params.row);
    for (var word = local; word < params.row; word += WG) {
        var bits = spikes[(params.history + span.t0) * params.row + word];
        if bits == 0u {
            continue;
        }
        var place = list + 1u + atomicAdd(&count, countOneBits(bits));
        while bits != 0u {
            fired[place] = word * 32u + firstTrailingBit(bits);
            bits &= bits - 1u;
            place++;
        }
    }
    workgroupBarrier();
    if local == 0u {
        fired[list] = atomicLoad(&count);
    }
}
