// What the kernels that change weights share: where traces lie, and the bounds. A kernel that uses this has
// the option `BOUNDED`, the arrays `weight` and `rate`, and parameters that begin with the fields of `Site`; it also
// uses lib/slow.wgsl.
// Twin: src/plasticity/mod.rs.

// Row of a ring of traces of `n` neurons for step `step`; rows are padded to blocks of 64.
fn trace_row(step: u32, n: u32) -> u32 {
    return (step & (params.slots - 1u)) * ((n + 63u) / 64u * 64u);
}

// Places in `rate`: the factor on every change, and for marks how much more a change counts that comes later
// in an interval, and the integral of the concentration over the interval so far.
const FACTOR = 0u;
const GROWTH = 1u;
const INTEGRAL = 2u;

// What all changes of a step are multiplied by.
fn pace() -> f32 {
    if BOUNDED == 0u {
        return rate[params.rate_at + FACTOR] * rate[params.rate_at + GROWTH];
    }
    return rate[params.rate_at + FACTOR];
}

// Changes the weight at `at`, whose second float is `rest` numbers further on (0 for none). With BOUNDED 0
// it is a mark, and what is behind it is the sum of its changes, each times the integral at that time; else the
// weight stays within bounds (1), and with 2 the change shrinks as the weight nears them.
fn change_weight(at: u32, rest: u32, change: f32) {
    if BOUNDED == 0u {
        weight[params.weight_at + at] += change;
        weight[params.weight_at + at + rest] += change * rate[params.rate_at + INTEGRAL];
        return;
    }
    let w = weight[params.weight_at + at];
    var by = change;
    if BOUNDED == 2u {
        let range = params.w_max - params.w_min;
        if change > 0.0 {
            by *= power((params.w_max - w) / range, params.mu_up);
        } else {
            by *= power((w - params.w_min) / range, params.mu_down);
        }
    }
    if rest == 0u {
        weight[params.weight_at + at] = clamp(w + by, params.w_min, params.w_max);
        return;
    }
    let sum = advanced(vec2<f32>(w, weight[params.weight_at + at + rest]), by);
    let within = clamp(sum.x, params.w_min, params.w_max);
    weight[params.weight_at + at] = within;
    weight[params.weight_at + at + rest] = select(0.0, sum.y, within == sum.x);
}

fn power(base: f32, exponent: f32) -> f32 {
    if exponent == 0.0 {
        return 1.0;
    }
    if exponent == 1.0 {
        return base;
    }
    return pow(base, exponent);
}
