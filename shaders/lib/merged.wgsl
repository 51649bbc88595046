// Several launches of a kernel as one dispatch: their workgroups lie one after the other. The table `launches` has
// how many launches and workgroups there are, then a record of each launch, of which the first word is its first
// workgroup. A shader of this kind calls `invocation` before it reads `params`; adds where its part of an array begins
// once, where it indexes it; counts with `workgroups`; and returns where `is_beyond`, if it has a barrier or takes
// every n-th.

// Of the launch of this workgroup, once `invocation` has been called.
var<private> params: Params;

// How many workgroups that launch has.
var<private> workgroups: u32;

// Whether a workgroup is beyond the last, because the grid is folded into two dimensions. What depends on this
// alone is the same for all invocations of a workgroup, as barriers need it; `params` is not known to be.
fn is_beyond(group: vec3<u32>, groups: vec3<u32>) -> bool {
    return group.y * groups.x + group.x >= launches[0].y;
}

// Rank of an invocation in its launch, whose parameters are taken from the table.
fn invocation(group: vec3<u32>, groups: vec3<u32>, local: u32, size: u32) -> u32 {
    let rank = group.y * groups.x + group.x;
    var low = 0u;
    var high = launches[0].x;
    while high - low > 1u {
        let middle = (low + high) / 2u;
        if launches[1u + middle * RECORD].x <= rank {
            low = middle;
        } else {
            high = middle;
        }
    }
    let at = 1u + low * RECORD;
    params = params_of(at);
    let next = select(launches[0].y, launches[at + RECORD].x, low + 1u < launches[0].x);
    workgroups = next - launches[at].x;
    return (rank - launches[at].x) * size + local;
}

// The span, known to be the same for all invocations.
fn steps_here() -> Span {
    return span;
}
