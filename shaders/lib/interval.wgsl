// Things that are done every so many steps, counted from the start of the run.

// Remainder of a 64-bit number, digit by digit in base 2^16 of its words.
fn remainder(high: u32, low: u32, by: u32) -> u32 {
    var r = high % by;
    for (var bit = 32u; bit > 0u; bit--) {
        let carry = r >> 31u;
        r = (r << 1u) | ((low >> (bit - 1u)) & 1u);
        if carry == 1u || r >= by {
            r -= by;
        }
    }
    return r;
}

// Whether a step whose window starts at the clock's step is the last of an interval.
fn ends_interval(t: u32, every: u32) -> bool {
    return (remainder(clock.step_hi, clock.step_lo, every) + t + 1u) % every == 0u;
}
