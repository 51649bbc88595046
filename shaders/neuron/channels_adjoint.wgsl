// Adjoint of neuron/channels.wgsl: twin and equations in src/neuron/channels.rs.

// A rate at a potential, and its derivative.
fn rate_with_slope(at: u32, v: f32) -> vec2<f32> {
    let factor = table(at + RATE_FACTOR);
    let per_k = table(at + RATE_PER_K);
    let x = (v - table(at + RATE_V0)) * per_k;
    switch u32(table(at + RATE_FORM)) {
        case 0u: {
            let value = factor * bounded_exp(x);
            return vec2<f32>(value, value * per_k);
        }
        case 1u: {
            let open = 1.0 / (1.0 + bounded_exp(-x));
            return vec2<f32>(factor * open, factor * open * (1.0 - open) * per_k);
        }
        default: {
            let y = clamp(x, -87.0, 87.0);
            let value = linoid(y);
            var slope = 0.5 + y * (1.0 / 6.0 - y * y * (1.0 / 180.0));
            if abs(y) >= 0.25 {
                let e = exp(-y);
                slope = (1.0 - value * e) / (1.0 - e);
            }
            return vec2<f32>(factor * value, factor * slope * per_k);
        }
    }
}

// Derivatives by the potential of a gate's steady state and of -dt / tau.
fn gate_slopes(at: u32, v: f32) -> vec2<f32> {
    let a = rate_with_slope(at + FIRST, v);
    if table(at + GATE_MODE) == 0.0 {
        let b = rate_with_slope(at + SECOND, v);
        let sum = a.x + b.x;
        return vec2<f32>((a.y * b.x - a.x * b.y) / (sum * sum), -params.dt * (a.y + b.y));
    }
    let first = table(at + SECOND + TAU_FACTOR_1) * bounded_exp((v - table(at + SECOND + TAU_V_1)) * table(at + SECOND + TAU_PER_K_1));
    let second = table(at + SECOND + TAU_FACTOR_2) * bounded_exp((v - table(at + SECOND + TAU_V_2)) * table(at + SECOND + TAU_PER_K_2));
    let by_first = first * table(at + SECOND + TAU_PER_K_1);
    let by_second = second * table(at + SECOND + TAU_PER_K_2);
    var quotient = table(at + SECOND + TAU_SCALE) / (first + second);
    var slope = -quotient * (by_first + by_second) / (first + second);
    if table(at + SECOND + TAU_STEP) != 0.0 {
        quotient = (table(at + SECOND + TAU_SCALE) + first) / (1.0 + second);
        slope = (by_first - quotient * by_second) / (1.0 + second);
    }
    let tau = table(at + SECOND + TAU_BASE) + quotient;
    return vec2<f32>(a.y, params.dt * slope / (tau * tau));
}

// Derivatives of a gate without a state by potential and calcium.
fn gate_at_once_slopes(at: u32, v: f32, calcium: f32) -> vec2<f32> {
    switch u32(table(at + GATE_MODE)) {
        case 2u: {
            return vec2<f32>(rate_with_slope(at + FIRST, v).y, 0.0);
        }
        case 4u: {
            let a = rate_with_slope(at + FIRST, v);
            let b = rate_with_slope(at + SECOND, v);
            let sum = a.x + b.x;
            return vec2<f32>((a.y * b.x - a.x * b.y) / (sum * sum), 0.0);
        }
        default: {
            let half = table(at + FIRST);
            return vec2<f32>(0.0, half / ((calcium + half) * (calcium + half)));
        }
    }
}

// A gate in a pass: one with a state, which is at `place` after its move; else as it is at `middle`.
fn gate_value(at: u32, place: u32, middle: f32, calcium: f32) -> f32 {
    if table(at + GATE_MODE) < 2.0 {
        return state[place];
    }
    return gate_at_once(at, middle, calcium);
}

// The part of a channel's conductance that its gates leave, without one factor of gate `but`, counted from the first;
// of all gates if it has none of that number.
fn opening(gates: u32, but: u32, first: u32, places: u32, middle: f32, calcium: f32) -> f32 {
    var open = 1.0;
    var place = places;
    for (var k = 0u; k < gates; k++) {
        let at = first + k * NEXT;
        let x = gate_value(at, place, middle, calcium);
        if table(at + GATE_MODE) < 2.0 {
            place += ROW;
        }
        var power = u32(table(at + GATE_POWER));
        if k == but {
            open *= f32(power);
            power = max(power, 1u) - 1u;
        }
        for (var i = 0u; i < power; i++) {
            open *= x;
        }
    }
    return open;
}

// Rows of gates with a state among those of a channel.
fn gates_with_state(gates: u32, first: u32) -> u32 {
    var count = 0u;
    for (var k = 0u; k < gates; k++) {
        count += select(0u, 1u, table(first + k * NEXT + GATE_MODE) < 2.0);
    }
    return count;
}

const ALL_GATES = 0xffffffffu;

// Reversal potentials that concentrations make.
struct Reversals {
    potassium: f32,
    sodium: f32,
    calcium: f32,
}

fn reversals(s: u32) -> Reversals {
    var e = Reversals(0.0, 0.0, 0.0);
    if params.ions == 1u {
        let potassium = state[s + (ion_rows() + ION_POTASSIUM) * ROW];
        let sodium = state[s + (ion_rows() + ION_SODIUM) * ROW];
        let outside = table(POOL + IONS_SODIUM_OUTSIDE) - table(POOL + IONS_BETA) * (sodium - table(POOL + IONS_SODIUM_REST));
        e.potassium = table(POOL + IONS_THERMAL) * log(potassium / (table(POOL + IONS_INSIDE) - sodium));
        e.sodium = table(POOL + IONS_THERMAL) * log(outside / sodium);
    }
    if params.pool == 1u {
        e.calcium = table(POOL_THERMAL) * log(table(POOL_OUTSIDE) / state[s + STATE_CA * ROW]);
    }
    return e;
}

fn reversal(kind: u32, c: u32, neuron: u32, e: Reversals) -> f32 {
    switch u32(table(kind + CHANNEL_ION)) {
        case 1u: {
            return e.calcium;
        }
        case 2u: {
            return e.potassium;
        }
        case 3u: {
            return e.sodium;
        }
        default: {
            return parameter(CELL + 2u * c + 1u, neuron);
        }
    }
}

struct Membrane {
    conductance: f32,
    pull: f32,
    influx: f32,
}

// The membrane of the neuron with state `s` in a pass at `middle`.
fn membrane_at(s: u32, neuron: u32, middle: f32, e: Reversals) -> Membrane {
    let calcium = state[s + STATE_CA * ROW];
    var m = Membrane(0.0, with_stimuli(parameter(CELL_I_E, neuron), neuron), 0.0);
    let kinds = POOL + IONS;
    var at = kinds + params.channels * CHANNEL;
    var place = after + STATE * ROW;
    for (var c = 0u; c < params.channels; c++) {
        let kind = kinds + c * CHANNEL;
        let gates = u32(table(kind + CHANNEL_GATES));
        let g = parameter(CELL + 2u * c, neuron) * opening(gates, ALL_GATES, at, place, middle, calcium);
        let e_rev = reversal(kind, c, neuron, e);
        if table(kind + CHANNEL_INFLUX) > 0.0 {
            m.influx += g * (e_rev - middle);
        }
        if table(kind + CHANNEL_INFLUX) < 2.0 {
            m.conductance += g;
            m.pull += g * e_rev;
        }
        place += gates_with_state(gates, at) * ROW;
        at += gates * NEXT;
    }
    for (var r = 0u; r < receptors(); r++) {
        let g = state[s + (synaptic_rows() + 2u * r) * ROW];
        if is_conductance(r) {
            let open = receptor_open(r, neuron, g, middle);
            m.conductance += open.g;
            m.pull += open.g_e;
        } else {
            m.pull += g;
        }
    }
    return m;
}

// One step back, from the state `s` at its start: the gradients by the state at `a` go from those of its end
// to those of its start. Gives the gradient by the current.
fn neuron_adjoint(s: u32, a: u32, neuron: u32, back: Back) -> f32 {
    let v = state[s];
    let calcium = state[s + STATE_CA * ROW];
    let per_c_m = parameter(CELL_PER_C_M, neuron);
    let e = reversals(s);
    let by_ca_at = a + STATE_CA * ROW;
    let by_potassium_at = a + (ion_rows() + ION_POTASSIUM) * ROW;
    let by_sodium_at = a + (ion_rows() + ION_SODIUM) * ROW;

    // What arrived after it, and the spike.
    let by_end = adjoint[a];
    let numbers = cell_fields();  // those of receptors begin here
    for (var r = 0u; r < receptors(); r++) {
        let g = (synaptic_rows() + 2u * r) * ROW;
        if wants_numbers() {
            add_step_numbers(r, numbers + r * PORT, neuron, s + g, a + g, by_end);
        }
        give_back(neuron, r, receptor_back(r, neuron, a + g, by_end));
    }
    var by_change = by_end + back.by_spike * back.slope;
    if wants_numbers() {
        add_number(CELL_V_TH, -back.by_spike * back.slope);
    }
    var by_v = by_change;
    var by_input = 0.0;
    var by_calcium = 0.0;
    var by_influx = 0.0;
    var by_e_calcium = 0.0;
    var by_e_potassium = 0.0;
    var by_e_sodium = 0.0;
    var by_i_potassium = 0.0;
    var by_i_sodium = 0.0;
    if params.ions == 1u {
        let potassium = state[s + (ion_rows() + ION_POTASSIUM) * ROW];
        let sodium = state[s + (ion_rows() + ION_SODIUM) * ROW];
        let by_potassium = adjoint[by_potassium_at];
        let by_sodium = adjoint[by_sodium_at];
        let open_sodium = 1.0 / (1.0 + bounded_exp((25.0 - sodium) / 3.0));
        let open_potassium = 1.0 / (1.0 + bounded_exp(5.5 - potassium));
        let open_glia = 1.0 / (1.0 + bounded_exp((18.0 - potassium) * 0.4));
        let beta = table(POOL + IONS_BETA);
        let pump = table(POOL + IONS_RHO) * open_sodium * open_potassium;
        let glia = table(POOL + IONS_GLIA) * open_glia;
        let by_pump = -3.0 * by_sodium - 2.0 * beta * by_potassium;
        adjoint[by_potassium_at] = by_potassium - table(POOL + IONS_EPSILON) * by_potassium
            + by_pump * pump * (1.0 - open_potassium) - by_potassium * glia * (1.0 - open_glia) * 0.4;
        adjoint[by_sodium_at] = by_sodium + by_pump * pump * (1.0 - open_sodium) / 3.0;
        by_i_potassium = table(POOL + IONS_GAMMA) * beta * by_potassium;
        by_i_sodium = -table(POOL + IONS_GAMMA) * by_sodium;
    }
    var middle = v;
    if params.passes == 2u {
        let m = membrane_at(s, neuron, v, e);
        middle = v + 0.5 * (v - m.pull / m.conductance) * exp_m1(max(-per_c_m * m.conductance, -87.0));
    }

    // The passes, the last first; only what that says of calcium and ions is kept.
    for (var pass_ = params.passes; pass_ > 0u; pass_--) {
        let is_last = pass_ == params.passes;
        let here = select(middle, v, pass_ == 1u);
        let m = membrane_at(s, neuron, here, e);
        if is_last && (params.pool == 1u) {
            let by_after = adjoint[by_ca_at];
            by_calcium = by_after + by_after * table(POOL_FALL);
            by_influx = select(0.0, -by_after * table(POOL_FALL) * table(POOL_GAIN), m.influx > 0.0);
        }
        // change = (v - pull / G) (e^(-k G) - 1).
        let v_inf = m.pull / m.conductance;
        let fall = exp_m1(max(-per_c_m * m.conductance, -87.0));
        let by_pull = -by_change * fall / m.conductance;
        let by_conductance = by_change * (v_inf * fall / m.conductance - per_c_m * (v - v_inf) * (fall + 1.0));
        by_v += by_change * fall;
        by_input += by_pull;
        if wants_numbers() {
            add_number(CELL_PER_C_M, -by_change * (v - v_inf) * m.conductance * (fall + 1.0));
        }
        var by_middle = 0.0;
        for (var r = 0u; r < receptors(); r++) {
            let row = (synaptic_rows() + 2u * r) * ROW;
            if is_conductance(r) {
                let by_open = by_conductance + by_pull * receptor_field(r, PORT_E_REV, neuron);
                let by_state = receptor_open_back(r, state[s + row], here, by_open);
                adjoint[a + row] += by_state.x;
                by_middle += by_state.y;
                if wants_numbers() {
                    let open = state[s + row] * by_state.z;
                    add_open_numbers(r, numbers + r * PORT, open, by_pull, by_state.y);
                }
            } else {
                adjoint[a + row] += by_pull;
            }
        }
        let kinds = POOL + IONS;
        var first = kinds + params.channels * CHANNEL;
        var gate_row = STATE * ROW;
        for (var c = 0u; c < params.channels; c++) {
            let kind = kinds + c * CHANNEL;
            let gates = u32(table(kind + CHANNEL_GATES));
            let of_ion = u32(table(kind + CHANNEL_ION));
            let most = parameter(CELL + 2u * c, neuron);
            let open = opening(gates, ALL_GATES, first, after + gate_row, here, calcium);
            let g = most * open;
            let e_rev = reversal(kind, c, neuron, e);
            var by_g = 0.0;
            var by_e = 0.0;
            if table(kind + CHANNEL_INFLUX) < 2.0 {
                by_g = by_conductance + by_pull * e_rev;
                by_e = by_pull * g;
            }
            if is_last {
                if table(kind + CHANNEL_INFLUX) > 0.0 {
                    by_g += by_influx * (e_rev - here);
                    by_e += by_influx * g;
                    by_middle -= by_influx * g;
                }
                if of_ion >= 2u {
                    let by_current = select(by_i_sodium, by_i_potassium, of_ion == 2u);
                    by_g -= by_current * (e_rev - here);
                    by_e -= by_current * g;
                    by_middle += by_current * g;
                }
            }
            if wants_numbers() {
                add_number(CELL + 2u * c, by_g * open);
                if of_ion == 0u {
                    add_number(CELL + 2u * c + 1u, by_e);
                }
            }
            by_e_calcium += select(0.0, by_e, of_ion == 1u);
            by_e_potassium += select(0.0, by_e, of_ion == 2u);
            by_e_sodium += select(0.0, by_e, of_ion == 3u);
            var own_row = gate_row;
            for (var k = 0u; k < gates; k++) {
                let at = first + k * NEXT;
                let by_x = by_g * most * opening(gates, k, first, after + gate_row, here, calcium);
                if table(at + GATE_MODE) < 2.0 {
                    adjoint[a + own_row] += by_x;
                    own_row += ROW;
                } else {
                    let slopes = gate_at_once_slopes(at, here, calcium);
                    by_middle += by_x * slopes.x;
                    by_calcium += by_x * slopes.y;
                }
            }
            gate_row = own_row;
            first += gates * NEXT;
        }
        by_v += by_middle;
        by_change = 0.5 * by_middle;
    }

    // The gates, which moved first.
    var at = POOL + IONS + params.channels * CHANNEL;
    var row = STATE * ROW;
    let end = STATE * ROW + params.gates * ROW;
    while row < end {
        if table(at + GATE_MODE) < 2.0 {
            let toward = gate_target(at, v, params.dt);
            let slopes = gate_slopes(at, v);
            let kept = exp(max(toward.y, -87.0));
            let by_x = adjoint[a + row];
            by_v += by_x * (1.0 - kept) * slopes.x + by_x * (state[s + row] - toward.x) * kept * slopes.y;
            adjoint[a + row] = by_x * kept;
            row += ROW;
        }
        at += NEXT;
    }
    if params.ions == 1u {
        let potassium = state[s + (ion_rows() + ION_POTASSIUM) * ROW];
        let sodium = state[s + (ion_rows() + ION_SODIUM) * ROW];
        let thermal = table(POOL + IONS_THERMAL);
        let outside = table(POOL + IONS_SODIUM_OUTSIDE) - table(POOL + IONS_BETA) * (sodium - table(POOL + IONS_SODIUM_REST));
        adjoint[by_potassium_at] += by_e_potassium * thermal / potassium;
        adjoint[by_sodium_at] += by_e_potassium * thermal / (table(POOL + IONS_INSIDE) - sodium)
            - by_e_sodium * thermal * (table(POOL + IONS_BETA) / outside + 1.0 / sodium);
    }
    if params.pool == 1u {
        adjoint[by_ca_at] = by_calcium - by_e_calcium * table(POOL_THERMAL) / calcium;
    }
    if wants_numbers() {
        add_number(CELL_I_E, by_input);
    }
    adjoint[a] = by_v;
    return by_input;
}
