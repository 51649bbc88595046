// What the functions of a linked shader share: the step that is under way, and when something is due.

// As kernels know it: the span of one step.
var<private> span: Span;

// The same for those who need it to be the same for all invocations, as barriers do.
var<workgroup> step_shared: u32;

fn steps_here() -> Span {
    let t = workgroupUniformLoad(&step_shared);
    return Span(t, t + 1u);
}

fn begin_step(t: u32, local: u32) {
    span = Span(t, t + 1u);
    if local == 0u {
        step_shared = t;
    }
    workgroupBarrier();
}

// Whether something is due at the end of step t that is so after every so many steps of the run.
fn is_due(t: u32, every: vec2<u32>) -> bool {
    if (every.x == 1u) && (every.y == 0u) {
        return true;
    }
    let rest = remainder_of(step_at(t + 1u), every);
    return (rest.x == 0u) && (rest.y == 0u);
}
