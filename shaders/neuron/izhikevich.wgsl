// Izhikevich's neuron at one step: take pulses, integrate, take what else arrives, threshold, reset.
// Twin and equations: src/neuron/izhikevich.rs.

const PULSE = 1u;
const SLOW_RECOVERY = 4u;

fn cell_fields() -> u32 {
    return CELL;
}

fn state_rows() -> u32 {
    return STATE + 2u * receptors();
}

fn is_pulse(r: u32) -> bool {
    return receptor_kind(r) == PULSE;
}

// What moves v but for its square: the slope by v, and the rest.
struct Drive {
    slope: f32,
    level: f32,
}

// The drive at potential `v` with recovery `u`, its receptors at `synapses` of the state. Pulses hold what arrives
// in this step.
fn drive_of(v: f32, u: f32, neuron: u32, synapses: u32) -> Drive {
    var input = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var slope = 5.0;
    for (var r = 0u; r < receptors(); r++) {
        let g = state[synapses + 2u * r * ROW];
        if is_conductance(r) {
            let open = receptor_open(r, neuron, g, v);
            slope -= open.g;
            input += open.g_e;
        } else {
            input += g;
        }
    }
    return Drive(slope, 140.0 - u + input);
}

// v after a step.
fn next(v: f32, given: Drive) -> f32 {
    return v + params.step * ((v * 0.04 + given.slope) * v + given.level);
}

fn take_pulses(synapses: u32, neuron: u32) {
    for (var r = 0u; r < receptors(); r++) {
        if is_pulse(r) {
            state[synapses + 2u * r * ROW] = arriving(neuron, r);
        }
    }
}

fn neuron_step(s: u32, neuron: u32) -> bool {
    let before = state[s];
    var u = state[s + STATE_U * ROW];
    let synapses = s + STATE * ROW;
    take_pulses(synapses, neuron);
    let driven = drive_of(before, u, neuron, synapses);
    var v = next(before, driven);
    var origin = before;
    if HALF_STEPS == 1u {
        v = next(v, driven);
        origin = v;
    }
    let recovery = parameter(CELL_RATE, neuron) * (parameter(CELL_B, neuron) * origin - u);
    u = advance(s + STATE_U * ROW, has_second_float(SLOW_RECOVERY), recovery);

    let slow_receptors = has_second_float(SLOW_RECEPTORS);
    for (var r = 0u; r < receptors(); r++) {
        if !is_pulse(r) {
            v += receptor_step(r, neuron, synapses + 2u * r * ROW, slow_receptors, arriving(neuron, r));
        }
    }

    let spike = decided(true, v, parameter(CELL_V_TH, neuron));
    state[s] = after_spike(spike, v, parameter(CELL_C, neuron));
    state[s + STATE_U * ROW] = after_spike(spike, u, u + parameter(CELL_D, neuron));
    return spike;
}
