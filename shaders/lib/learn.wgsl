// What the kernels that change weights share: where traces lie, and the bounds. A
// kernel that uses this declares `WG`, `BOUNDED` and a `Params` that begins with the fields of `Site`.
// Twin: src/plasticity/mod.rs.

// Row of a ring of traces of `n` neurons for step `step`; rows are padded to blocks of 64.
fn trace_row(step: u32, n: u32) -> u32 {
    return (step & (params.slots - 1u)) * ((n + 63u) / 64u * 64u);
}

// A weight after a change: as it is (0), within bounds (1), or with a change that shrinks as the weight
// nears the bound (2).
fn changed(w: f32, change: f32) -> f32 {
    if BOUNDED == 0u {
        return w + change;
    }
    var by = change;
    if BOUNDED == 2u {
        let range = params.w_max - params.w_min;
        if change > 0.0 {
            by *= power((params.w_max - w) / range, params.mu_up);
        } else {
            by *= power((w - params.w_min) / range, params.mu_down);
        }
    }
    return clamp(w + by, params.w_min, params.w_max);
}

fn power(x: f32, exponent: f32) -> f32 {
    if exponent == 0.0 {
        return 1.0;
    }
    if exponent == 1.0 {
        return x;
    }
    return pow(x, exponent);
}
