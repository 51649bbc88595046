// One workgroup: each invocation takes every n-th word of the row of spikes and appends the
// sources that spiked to the list. Twin: src/synapse/list_spikes.rs.

var<workgroup> count: atomic<u32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let first = invocation(group, groups, local, WG);
    let list = ((clock.step_lo + span.t0) & (params.slots - 1u)) * (1u + 32u * params.row);
    if local == 0u {
        atomicStore(&count, 0u);
    }
    workgroupBarrier();
    for (var word = first; word < params.row; word += WG) {
        var bits = spikes[params.spikes_at + (params.history + span.t0) * params.row + word];
        if bits == 0u {
            continue;
        }
        var place = list + 1u + atomicAdd(&count, countOneBits(bits));
        while bits != 0u {
            fired[params.fired_at + place] = word * 32u + firstTrailingBit(bits);
            bits &= bits - 1u;
            place++;
        }
    }
    workgroupBarrier();
    if local == 0u {
        fired[params.fired_at + list] = atomicLoad(&count);
    }
}
