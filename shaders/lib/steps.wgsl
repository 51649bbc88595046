// Steps of the whole run, whose numbers have 64 bits: low word, high word.

// Step t of the window that starts at the clock's step.
fn step_at(t: u32) -> vec2<u32> {
    let low = clock.step_lo + t;
    return vec2<u32>(low, clock.step_hi + select(0u, 1u, low < t));
}

fn is_before(a: vec2<u32>, b: vec2<u32>) -> bool {
    return (a.y < b.y) || ((a.y == b.y) && (a.x < b.x));
}

// Remainder of a number, bit by bit where both have more than 32.
fn remainder_of(number: vec2<u32>, by: vec2<u32>) -> vec2<u32> {
    if (number.y == 0u) && (by.y == 0u) {
        return vec2<u32>(number.x % by.x, 0u);
    }
    var r = vec2<u32>(0u);
    for (var bit = 64u; bit > 0u; bit--) {
        let word = select(number.x, number.y, bit > 32u);
        let carry = r.y >> 31u;
        r = vec2<u32>((r.x << 1u) | ((word >> ((bit - 1u) & 31u)) & 1u), (r.y << 1u) | (r.x >> 31u));
        if (carry == 1u) || !is_before(r, by) {
            r = vec2<u32>(r.x - by.x, (r.y - by.y) - select(0u, 1u, r.x < by.x));
        }
    }
    return r;
}

// Steps from the start of an interval of so many to step t of the window.
fn phase(t: u32, every: u32) -> u32 {
    return remainder_of(step_at(t), vec2<u32>(every, 0u)).x;
}
