// Neuron with channels at one step: gates, potential, calcium, what arrives, spike.
// Twin and equations: src/neuron/channels.rs. Behind the receptors the array `receptor` holds the
// calcium pool, the channels and the gates.

const SLOW_CALCIUM = 4u;
const SLOW_GATES = 8u;
const SLOW_IONS = 16u;
// Where the rate of a gate begins, where its second rate or time constant does, and where the next gate.
const FIRST = GATE;
const SECOND = FIRST + RATE;
const NEXT = SECOND + TAU;

// A number of the table behind the receptors.
fn table(at: u32) -> f32 {
    return cell[params.receptor_at + receptors() * PORT + at];
}

fn cell_fields() -> u32 {
    return CELL + 2u * params.channels;
}

// x / (1 - e^-x); near 0 by its series.
fn linoid(x: f32) -> f32 {
    if abs(x) < 0.25 {
        let square = x * x;
        return 1.0 + x * 0.5 + square * (1.0 / 12.0 - square * (1.0 / 720.0));
    }
    return x / (1.0 - exp(-x));
}

// Arguments beyond these bounds would leave the range of exp.
fn bounded_exp(x: f32) -> f32 {
    return exp(clamp(x, -87.0, 88.0));
}

fn rate(at: u32, v: f32) -> f32 {
    let x = (v - table(at + RATE_V0)) * table(at + RATE_PER_K);
    switch u32(table(at + RATE_FORM)) {
        case 0u: {
            return table(at + RATE_FACTOR) * bounded_exp(x);
        }
        case 1u: {
            return table(at + RATE_FACTOR) / (1.0 + bounded_exp(-x));
        }
        default: {
            return table(at + RATE_FACTOR) * linoid(clamp(x, -87.0, 87.0));
        }
    }
}

// Steady state of a gate with a state, and -dt / tau.
fn gate_target(at: u32, v: f32, dt: f32) -> vec2<f32> {
    if table(at + GATE_MODE) == 0.0 {
        let a = rate(at + FIRST, v);
        let sum = a + rate(at + SECOND, v);
        return vec2<f32>(a / sum, -dt * sum);
    }
    let first = table(at + SECOND + TAU_FACTOR_1) * bounded_exp((v - table(at + SECOND + TAU_V_1)) * table(at + SECOND + TAU_PER_K_1));
    let second = table(at + SECOND + TAU_FACTOR_2) * bounded_exp((v - table(at + SECOND + TAU_V_2)) * table(at + SECOND + TAU_PER_K_2));
    var tau = table(at + SECOND + TAU_BASE);
    if table(at + SECOND + TAU_STEP) == 0.0 {
        tau += table(at + SECOND + TAU_SCALE) / (first + second);
    } else {
        tau += (table(at + SECOND + TAU_SCALE) + first) / (1.0 + second);
    }
    return vec2<f32>(rate(at + FIRST, v), -dt / tau);
}

// Value of a gate without a state.
fn gate_at_once(at: u32, v: f32, calcium: f32) -> f32 {
    switch u32(table(at + GATE_MODE)) {
        case 2u: {
            return rate(at + FIRST, v);
        }
        case 4u: {
            let a = rate(at + FIRST, v);
            return a / (a + rate(at + SECOND, v));
        }
        default: {
            return calcium / (calcium + table(at + FIRST));
        }
    }
}

// Where the rows of ions and of receptors begin.
fn ion_rows() -> u32 {
    return STATE + params.gates;
}

fn synaptic_rows() -> u32 {
    return ion_rows() + params.ions * ION;
}

fn state_rows() -> u32 {
    return synaptic_rows() + 2u * receptors();
}

fn neuron_step(s: u32, neuron: u32) -> bool {
    let ion = ion_rows();
    let synaptic = synaptic_rows();
    let v = state[s];
    let held = state[s + STATE_HELD * ROW];
    let calcium = state[s + STATE_CA * ROW];
    let kinds = POOL + IONS;
    let first_gate = kinds + params.channels * CHANNEL;

    var input = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var potassium = 0.0;
    var sodium = 0.0;
    var e_potassium = 0.0;
    var e_sodium = 0.0;
    if params.ions == 1u {
        potassium = state[s + (ion + ION_POTASSIUM) * ROW];
        sodium = state[s + (ion + ION_SODIUM) * ROW];
        let outside = table(POOL + IONS_SODIUM_OUTSIDE) - table(POOL + IONS_BETA) * (sodium - table(POOL + IONS_SODIUM_REST));
        e_potassium = table(POOL + IONS_THERMAL) * log(potassium / (table(POOL + IONS_INSIDE) - sodium));
        e_sodium = table(POOL + IONS_THERMAL) * log(outside / sodium);
    }
    let synapses = s + synaptic * ROW;
    let slow_gates = has_second_float(SLOW_GATES);
    var change = 0.0;
    var middle = v;
    var influx = 0.0;
    var i_potassium = 0.0;
    var i_sodium = 0.0;
    // Gates without a state follow the potential: where there are some, a second pass takes them at the
    // middle of the first.
    for (var pass_ = 0u; pass_ < params.passes; pass_++) {
        influx = 0.0;
        i_potassium = 0.0;
        i_sodium = 0.0;
        var conductance = 0.0;
        var pull = input;
        var row = STATE;
        var at = first_gate;
        for (var c = 0u; c < params.channels; c++) {
            var g = parameter(CELL + 2u * c, neuron);
            let kind = kinds + c * CHANNEL;
            let gates = u32(table(kind + CHANNEL_GATES));
            for (var k = 0u; k < gates; k++) {
                var x = 0.0;
                if table(at + GATE_MODE) < 2.0 {
                    let place = s + row * ROW;
                    if pass_ == 0u {
                        let toward = gate_target(at, middle, params.dt);
                        advance(place, slow_gates, (state[place] - toward.x) * exp_m1(max(toward.y, -87.0)));
                    }
                    x = state[place];
                    row++;
                } else {
                    x = gate_at_once(at, middle, calcium);
                }
                let power = u32(table(at + GATE_POWER));
                for (var i = 0u; i < power; i++) {
                    g *= x;
                }
                at += NEXT;
            }
            var e_rev = parameter(CELL + 2u * c + 1u, neuron);
            switch u32(table(kind + CHANNEL_ION)) {
                case 1u: {
                    e_rev = table(POOL_THERMAL) * log(table(POOL_OUTSIDE) / calcium);
                }
                case 2u: {
                    e_rev = e_potassium;
                    i_potassium += g * (middle - e_rev);
                }
                case 3u: {
                    e_rev = e_sodium;
                    i_sodium += g * (middle - e_rev);
                }
                default: {}
            }
            if table(kind + CHANNEL_INFLUX) > 0.0 {
                influx += g * (e_rev - middle);
            }
            if table(kind + CHANNEL_INFLUX) < 2.0 {
                conductance += g;
                pull += g * e_rev;
            }
        }
        for (var r = 0u; r < receptors(); r++) {
            let g = state[synapses + 2u * r * ROW];
            if is_conductance(r) {
                let open = receptor_open(r, neuron, g, middle);
                conductance += open.g;
                pull += open.g_e;
            } else {
                pull += g;
            }
        }
        change = (v - pull / conductance) * exp_m1(max(-parameter(CELL_PER_C_M, neuron) * conductance, -87.0));
        middle = v + 0.5 * change;
    }
    let slow_v = has_second_float(SLOW_POTENTIAL);
    let next = advance(s, slow_v, change);
    if params.ions == 1u {
        let pump = table(POOL + IONS_RHO) / (1.0 + bounded_exp((25.0 - sodium) / 3.0)) / (1.0 + bounded_exp(5.5 - potassium));
        let glia = table(POOL + IONS_GLIA) / (1.0 + bounded_exp((18.0 - potassium) * 0.4));
        let beta = table(POOL + IONS_BETA);
        let gained = table(POOL + IONS_GAMMA) * beta * i_potassium - 2.0 * beta * pump - glia
            - table(POOL + IONS_EPSILON) * (potassium - table(POOL + IONS_BATH));
        let lost = table(POOL + IONS_GAMMA) * i_sodium + 3.0 * pump;
        let slow_ions = has_second_float(SLOW_IONS);
        advance(s + (ion + ION_POTASSIUM) * ROW, slow_ions, gained);
        advance(s + (ion + ION_SODIUM) * ROW, slow_ions, -lost);
    }
    if params.pool == 1u {
        let settled = table(POOL_REST) + table(POOL_GAIN) * max(influx, 0.0);
        let fall = (calcium - settled) * table(POOL_FALL);
        advance(s + STATE_CA * ROW, has_second_float(SLOW_CALCIUM), fall);
    }
    let v_th = parameter(CELL_V_TH, neuron);
    let spike = decided((v < v_th) && (held <= 0.0), next, v_th) && (neuron < params.n);
    state[s + STATE_HELD * ROW] = select(max(held - 1.0, 0.0), parameter(CELL_T_REF, neuron), spike);

    let slow_receptors = has_second_float(SLOW_RECEPTORS);
    for (var r = 0u; r < receptors(); r++) {
        state[s] += receptor_step(r, neuron, s + (synaptic + 2u * r) * ROW, slow_receptors, arriving(neuron, r));
    }
    return spike;
}
