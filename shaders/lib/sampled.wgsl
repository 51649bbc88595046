// What is recorded of a neuron at the end of a step. Twin: src/record/sample.rs.

// A word of what is recorded of the population, and of whom.
fn sampled_word(at: u32) -> u32 {
    return start[params.sampled_at + at];
}

// Takes what is due after step t of a neuron whose state is at s.
fn take_samples(neuron: u32, s: u32, t: u32) {
    for (var k = 0u; k < params.sampled; k++) {
        let at = k * SAMPLED;
        let every = vec2<u32>(sampled_word(at + SAMPLED_EVERY_LO), sampled_word(at + SAMPLED_EVERY_HI));
        if any(remainder_of(step_at(t + 1u), every) != vec2<u32>(0u)) {
            continue;
        }
        // Its place among those that are recorded, which are in ascending order.
        let ids = sampled_word(at + SAMPLED_IDS);
        let count = sampled_word(at + SAMPLED_COUNT);
        var low = 0u;
        var high = count;
        while low < high {
            let middle = (low + high) / 2u;
            if sampled_word(ids + 2u * middle) < neuron {
                low = middle + 1u;
            } else {
                high = middle;
            }
        }
        // Steps from the start of the window to the first sample, as in record/sample.wgsl.
        let first = every.x - remainder_of(step_at(0u), every).x;
        let row = select((t + 1u - first) / max(every.x, 1u), 0u, every.y > 0u);
        let place = sampled_word(at + SAMPLED_PLACE) + row * count;
        for (; (low < count) && (sampled_word(ids + 2u * min(low, count - 1u)) == neuron); low++) {
            let rank = sampled_word(ids + 2u * low + 1u);
            samples[params.samples_at + place + rank] = state[s + sampled_word(at + SAMPLED_ROW) * BLOCK];
        }
    }
}
