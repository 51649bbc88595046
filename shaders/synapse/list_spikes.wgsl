// One workgroup: each invocation counts the spikes of its part of the row, and then writes them behind those of the parts
// before it. Twin: src/synapse/list_spikes.rs.

var<workgroup> counts: array<u32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let rank = invocation(group, groups, local, WG);
    let part = (params.row + WG - 1u) / WG;
    let first = min(rank * part, params.row);
    let last = min(first + part, params.row);
    let row = params.spikes_at + (params.history + span.t0) * params.row;
    var count = 0u;
    for (var word = first; word < last; word++) {
        count += countOneBits(spikes[row + word]);
    }
    counts[local] = count;
    workgroupBarrier();
    if first == last {
        return;
    }
    let list = params.fired_at + ((clock.step_lo + span.t0) & (params.slots - 1u)) * (1u + 32u * params.row);
    var place = list + 1u;
    for (var other = 0u; other < local; other++) {
        place += counts[other];
    }
    if last == params.row {
        fired[list] = place + count - list - 1u;
    }
    for (var word = first; word < last; word++) {
        var bits = spikes[row + word];
        while bits != 0u {
            fired[place] = word * 32u + firstTrailingBit(bits);
            bits &= bits - 1u;
            place++;
        }
    }
}
