// One invocation = one source of one sample: copies its values of all rows, or none if it is silent.
// Twin: src/train/drop_values.rs.
//!use lib/philox.wgsl
//!use lib/drop.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let b = rank / params.n;
    let id = rank % params.n;
    if b >= clock.samples {
        return;
    }
    let words = draws(id / 4u, b);
    let stays = words[id % 4u] >= params.threshold;
    for (var t = 0u; t < params.rows; t++) {
        let at = (b * params.rows + t) * params.n + id;
        var before = 0.0;
        if params.accumulate == 1u {
            before = kept[at];
        }
        kept[at] = select(before, before + values[at], stays);
    }
}
