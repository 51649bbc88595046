// One invocation = four sources of one sample: how much each field has of its number, as one word.
// Twin: src/input/population.rs.

// Of source `id`, counted through all frames. Numbers are bytes, four to a word.
fn part(b: u32, id: u32) -> u32 {
    let number = id / params.fields;
    if number >= params.numbers {
        return 0u;
    }
    let word = pixels[b * ((params.numbers + 3u) / 4u) + number / 4u];
    let x = (word >> (8u * (number % 4u))) & 255u;
    return level[256u * (id % params.fields) + x];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let words = (params.numbers * params.fields + 3u) / 4u;
    let b = rank / words;
    if b >= clock.samples {
        return;
    }
    let first = 4u * (rank % words);
    var four = 0u;
    for (var k = 0u; k < 4u; k++) {
        four |= part(b, first + k) << (8u * k);
    }
    intensities[rank] = four;
}
