// One invocation = one neuron at one step: take pulses, integrate, take what else arrives, threshold,
// reset. Twin and equations: src/neuron/izhikevich.rs.
//!use lib/slow.wgsl
//!use lib/stepped.wgsl
//!use lib/receptor.wgsl

const PULSE = 1u;
const SLOW_RECOVERY = 4u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell_field(CELL, field, neuron);
}

// v after a step.
fn next(v: f32, slope: f32, level: f32) -> f32 {
    return v + params.step * ((v * 0.04 + slope) * v + level);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let base = invocation(group, groups, 0u, WG);
    let neuron = base + local;
    let rows = STATE + 2u * params.receptors;
    let all_rows = select(rows, 2u * rows, params.slow != 0u);
    let s = params.state_at + neuron / BLOCK * all_rows * BLOCK + local;
    let before = state[s];
    var u = state[s + STATE_U * BLOCK];

    var input = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var slope = 5.0;
    let slot = slot_now();
    for (var r = 0u; r < params.receptors; r++) {
        let at = s + (STATE + 2u * r) * BLOCK;
        if u32(receptor_field(r, PORT_KIND)) == PULSE {
            state[at] = ring_take(neuron, r, slot);
        }
        let g = state[at];
        if receptor_field(r, PORT_CONDUCTANCE) > 0.0 {
            let open = receptor_open(r, g, before);
            slope -= open.g;
            input += open.g_e;
        } else {
            input += g;
        }
    }
    let level = 140.0 - u + input;
    var v = next(before, slope, level);
    var origin = before;
    if HALF_STEPS == 1u {
        v = next(v, slope, level);
        origin = v;
    }
    let recovery = parameter(CELL_RATE, neuron) * (parameter(CELL_B, neuron) * origin - u);
    u = advance(s + STATE_U * BLOCK, second_float(SLOW_RECOVERY, rows), recovery);

    let slow_receptors = second_float(SLOW_RECEPTORS, rows);
    for (var r = 0u; r < params.receptors; r++) {
        if u32(receptor_field(r, PORT_KIND)) != PULSE {
            let arriving = ring_take(neuron, r, slot);
            v += receptor_step(r, s + (STATE + 2u * r) * BLOCK, slow_receptors, arriving);
        }
    }

    let spike = v >= parameter(CELL_V_TH, neuron);
    if spike {
        v = parameter(CELL_C, neuron);
        u += parameter(CELL_D, neuron);
    }
    state[s] = v;
    state[s + STATE_U * BLOCK] = u;
    store_spikes(base, local, spike);
}
