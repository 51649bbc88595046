// Rank of an invocation in a grid that is folded into two dimensions, because one dimension holds
// at most 65,535 workgroups.
fn invocation(group: vec3<u32>, groups: vec3<u32>, local: u32, size: u32) -> u32 {
    return (group.y * groups.x + group.x) * size + local;
}

// The span, known to be the same for all invocations.
fn steps_here() -> Span {
    return span;
}
