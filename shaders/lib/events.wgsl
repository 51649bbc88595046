// Poisson events that reach a neuron in the step that is under way. Twin: src/input/poisson_drive.rs.

// A word of the stimuli of the population and their tables.
fn event_word(at: u32) -> u32 {
    return start[params.event_at + at];
}

// What stimuli bring to receptor r of a neuron in a step, in units of the ring.
fn events_at(neuron: u32, r: u32, step: vec2<u32>) -> u32 {
    var sum = 0u;
    if neuron >= params.n {
        return sum;
    }
    for (var k = 0u; k < params.events; k++) {
        let at = k * EVENT;
        let begin = vec2<u32>(event_word(at + EVENT_START_LO), event_word(at + EVENT_START_HI));
        let end = vec2<u32>(event_word(at + EVENT_STOP_LO), event_word(at + EVENT_STOP_HI));
        if (event_word(at + EVENT_RECEPTOR) != r) || is_before(step, begin) || !is_before(step, end) {
            continue;
        }
        let key = vec2<u32>(clock.seed_lo, clock.seed_hi ^ event_word(at + EVENT_STREAM));
        let random = philox(vec4<u32>(neuron / 4u, step.x, step.y, 0u), key)[neuron % 4u];
        let own = event_word(at + EVENT_OWN) * neuron;
        let table = event_word(at + EVENT_LEVEL) + event_word(event_word(at + EVENT_FIRST) + own);
        let levels = event_word(table);
        var count = 0u;
        for (var level = 1u; level <= levels; level++) {
            count += select(0u, 1u, random >= event_word(table + level));
        }
        sum += count * event_word(at + EVENT_WEIGHT);
    }
    return sum;
}
