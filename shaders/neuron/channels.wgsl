// One invocation = one neuron at one step: gates, potential, calcium, what arrives, spike.
// Twin and equations: src/neuron/channels.rs. Behind the receptors the array `receptor` holds the
// calcium pool, the channels and the gates.
//!use lib/slow.wgsl
//!use lib/stepped.wgsl
//!use lib/receptor.wgsl

const CELL = 4u;
const STATE = 3u;
const POOL = 16u;    // five numbers of calcium, eleven of the ions
const IONS = 2u;
const SLOW_CALCIUM = 4u;
const SLOW_GATES = 8u;
const SLOW_IONS = 16u;
const CHANNEL = 3u;
const GATE = 16u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell_field(CELL + 2u * params.channels, field, neuron);
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
    let x = (v - receptor[params.receptor_at + at + 2u]) * receptor[params.receptor_at + at + 3u];
    switch u32(receptor[params.receptor_at + at]) {
        case 0u: {
            return receptor[params.receptor_at + at + 1u] * bounded_exp(x);
        }
        case 1u: {
            return receptor[params.receptor_at + at + 1u] / (1.0 + bounded_exp(-x));
        }
        default: {
            return receptor[params.receptor_at + at + 1u] * linoid(clamp(x, -87.0, 87.0));
        }
    }
}

// Steady state of a gate with a state, and -dt / tau.
fn gate_target(at: u32, v: f32, dt: f32) -> vec2<f32> {
    if receptor[params.receptor_at + at] == 0.0 {
        let a = rate(at + 2u, v);
        let sum = a + rate(at + 6u, v);
        return vec2<f32>(a / sum, -dt * sum);
    }
    let first = receptor[params.receptor_at + at + 9u] * bounded_exp((v - receptor[params.receptor_at + at + 10u]) * receptor[params.receptor_at + at + 11u]);
    let second = receptor[params.receptor_at + at + 12u] * bounded_exp((v - receptor[params.receptor_at + at + 13u]) * receptor[params.receptor_at + at + 14u]);
    var tau = receptor[params.receptor_at + at + 7u];
    if receptor[params.receptor_at + at + 6u] == 0.0 {
        tau += receptor[params.receptor_at + at + 8u] / (first + second);
    } else {
        tau += (receptor[params.receptor_at + at + 8u] + first) / (1.0 + second);
    }
    return vec2<f32>(rate(at + 2u, v), -dt / tau);
}

// Value of a gate without a state.
fn gate_at_once(at: u32, v: f32, calcium: f32) -> f32 {
    switch u32(receptor[params.receptor_at + at]) {
        case 2u: {
            return rate(at + 2u, v);
        }
        case 4u: {
            let a = rate(at + 2u, v);
            return a / (a + rate(at + 6u, v));
        }
        default: {
            return calcium / (calcium + receptor[params.receptor_at + at + 2u]);
        }
    }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let base = invocation(group, groups, 0u, WG);
    let neuron = base + local;
    let ion = STATE + params.gates;
    let synaptic = ion + params.ions * IONS;
    let rows = synaptic + 2u * params.receptors;
    let all_rows = select(rows, 2u * rows, params.slow != 0u);
    let s = params.state_at + neuron / BLOCK * all_rows * BLOCK + local;
    let v = state[s];
    let held = state[s + BLOCK];
    let calcium = state[s + 2u * BLOCK];
    let pool = params.receptors * RECEPTOR;
    let kinds = pool + POOL;
    let first_gate = kinds + params.channels * CHANNEL;

    var input = with_stimuli(parameter(1u, neuron), neuron);
    var potassium = 0.0;
    var sodium = 0.0;
    var e_potassium = 0.0;
    var e_sodium = 0.0;
    let ions = pool + 5u;
    if params.ions == 1u {
        potassium = state[s + ion * BLOCK];
        sodium = state[s + (ion + 1u) * BLOCK];
        let outside = receptor[params.receptor_at + ions + 3u] - receptor[params.receptor_at + ions + 1u] * (sodium - receptor[params.receptor_at + ions + 4u]);
        e_potassium = receptor[params.receptor_at + ions + 9u] * log(potassium / (receptor[params.receptor_at + ions + 2u] - sodium));
        e_sodium = receptor[params.receptor_at + ions + 9u] * log(outside / sodium);
    }
    let synapses = s + synaptic * BLOCK;
    let slow_gates = second_float(SLOW_GATES, rows);
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
            let gates = u32(receptor[params.receptor_at + kind]);
            for (var k = 0u; k < gates; k++) {
                var x = 0.0;
                if receptor[params.receptor_at + at] < 2.0 {
                    let place = s + row * BLOCK;
                    if pass_ == 0u {
                        let toward = gate_target(at, middle, params.dt);
                        advance(place, slow_gates, (state[place] - toward.x) * exp_m1(max(toward.y, -87.0)));
                    }
                    x = state[place];
                    row++;
                } else {
                    x = gate_at_once(at, middle, calcium);
                }
                let power = u32(receptor[params.receptor_at + at + 1u]);
                for (var i = 0u; i < power; i++) {
                    g *= x;
                }
                at += GATE;
            }
            var e_rev = parameter(CELL + 2u * c + 1u, neuron);
            switch u32(receptor[params.receptor_at + kind + 2u]) {
                case 1u: {
                    e_rev = receptor[params.receptor_at + pool + 4u] * log(receptor[params.receptor_at + pool + 3u] / calcium);
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
            if receptor[params.receptor_at + kind + 1u] > 0.0 {
                influx += g * (e_rev - middle);
            }
            if receptor[params.receptor_at + kind + 1u] < 2.0 {
                conductance += g;
                pull += g * e_rev;
            }
        }
        for (var r = 0u; r < params.receptors; r++) {
            let g = state[synapses + 2u * r * BLOCK];
            if receptor_field(r, 5u) > 0.0 {
                let open = receptor_open(r, g, middle);
                conductance += open.g;
                pull += open.g_e;
            } else {
                pull += g;
            }
        }
        change = (v - pull / conductance) * exp_m1(max(-parameter(0u, neuron) * conductance, -87.0));
        middle = v + 0.5 * change;
    }
    let slow_v = second_float(SLOW_POTENTIAL, rows);
    let next = advance(s, slow_v, change);
    if params.ions == 1u {
        let pump = receptor[params.receptor_at + ions + 5u] / (1.0 + bounded_exp((25.0 - sodium) / 3.0)) / (1.0 + bounded_exp(5.5 - potassium));
        let glia = receptor[params.receptor_at + ions + 6u] / (1.0 + bounded_exp((18.0 - potassium) * 0.4));
        let beta = receptor[params.receptor_at + ions + 1u];
        let gained = receptor[params.receptor_at + ions] * beta * i_potassium - 2.0 * beta * pump - glia
            - receptor[params.receptor_at + ions + 7u] * (potassium - receptor[params.receptor_at + ions + 8u]);
        let lost = receptor[params.receptor_at + ions] * i_sodium + 3.0 * pump;
        let slow_ions = second_float(SLOW_IONS, rows);
        advance(s + ion * BLOCK, slow_ions, gained);
        advance(s + (ion + 1u) * BLOCK, slow_ions, -lost);
    }
    if params.pool == 1u {
        let settled = receptor[params.receptor_at + pool + 2u] + receptor[params.receptor_at + pool] * max(influx, 0.0);
        let fall = (calcium - settled) * receptor[params.receptor_at + pool + 1u];
        advance(s + 2u * BLOCK, second_float(SLOW_CALCIUM, rows), fall);
    }
    let v_th = parameter(2u, neuron);
    let spike = next >= v_th && v < v_th && held <= 0.0 && neuron < params.n;
    state[s + BLOCK] = select(max(held - 1.0, 0.0), parameter(3u, neuron), spike);

    let slot = slot_now();
    let slow_receptors = second_float(SLOW_RECEPTORS, rows);
    for (var r = 0u; r < params.receptors; r++) {
        let arriving = ring_take(neuron, r, slot);
        state[s] += receptor_step(r, s + (synaptic + 2u * r) * BLOCK, slow_receptors, arriving);
    }
    store_spikes(base, local, spike);
}
