// What every kernel is told besides its own parameters; twin in src/kernel.rs.

// Set by the host before each run of a program.
struct Clock {
    seed_lo: u32,
    seed_hi: u32,
    step_lo: u32,       // absolute step at which the window starts
    step_hi: u32,
    samples: u32,       // samples in use, at most the plan's batch
    slot: u32,          // where the log kernel writes
    learning_rate: f32,
    correction1: f32,   // 1 / (1 - beta1^t) of Adam's first moment
    correction2: f32,   // 1 / (1 - beta2^t) of its second
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

// Steps t0 <= t < t1 of the window that this dispatch covers.
struct Span {
    t0: u32,
    t1: u32,
}
