// One invocation = one neuron at one step: integrate, take what arrives, threshold, reset.
// Twin and equations: src/neuron/iaf.rs.
//!use lib/slow.wgsl
//!use lib/stepped.wgsl
//!use lib/receptor.wgsl

const CELL = 13u;
const STATE = 4u;
const SLOW_RISE = 4u;
const SLOW_ADAPTATION = 8u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell_field(CELL + 2u * params.receptors, field, neuron);
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
    // What no neuron has is neither read nor written.
    let absolute = (params.refractory & 1u) != 0u;
    let relative = (params.refractory & 2u) != 0u;
    var held = 0.0;
    if absolute {
        held = state[s + BLOCK];
    }
    let v_th = parameter(3u, neuron);

    var input = with_stimuli(parameter(2u, neuron), neuron);
    var change = 0.0;
    if NONLINEAR == 1u {
        var conductance = parameter(1u, neuron);
        for (var r = 0u; r < params.receptors; r++) {
            let g = state[s + (STATE + 2u * r) * BLOCK];
            if receptor_field(r, 5u) > 0.0 {
                let open = receptor_open(r, g, before);
                conductance += open.g;
                input += open.g_e;
            } else {
                input += g;
            }
        }
        if ADEX == 1u {
            let delta_t = parameter(8u, neuron);
            let x = min((min(before, v_th) - parameter(9u, neuron)) / delta_t, 60.0);
            let w = state[s + 3u * BLOCK];
            input += parameter(1u, neuron) * delta_t * exp(x) - w;
            let fall = (w - parameter(10u, neuron) * before) * parameter(12u, neuron);
            advance(s + 3u * BLOCK, second_float(SLOW_ADAPTATION, rows), fall);
        }
        change = (before - input / conductance) * exp_m1(-parameter(0u, neuron) * conductance);
    } else {
        change = parameter(0u, neuron) * before + parameter(1u, neuron) * input;
        for (var r = 0u; r < params.receptors; r++) {
            change += parameter(CELL + 2u * r, neuron) * state[s + (STATE + 2u * r) * BLOCK];
            if receptor_field(r, 0u) == 3.0 {
                change += parameter(CELL + 2u * r + 1u, neuron) * state[s + (STATE + 2u * r + 1u) * BLOCK];
            }
        }
    }

    let slot = slot_now();
    let slow_receptors = second_float(SLOW_RECEPTORS, rows);
    for (var r = 0u; r < params.receptors; r++) {
        let arriving = ring_take(neuron, r, slot);
        change += receptor_step(r, s + (STATE + 2u * r) * BLOCK, slow_receptors, arriving);
    }

    let free = held <= 0.0;
    let slow_v = second_float(SLOW_POTENTIAL, rows);
    let v = advance(s, slow_v, select(0.0, change, free));
    let slow_h = second_float(SLOW_RISE, rows);
    let rise = s + 2u * BLOCK;
    var h = 0.0;
    if relative {
        h = advance(rise, slow_h, parameter(7u, neuron) * state[rise]);
    }
    let spike = free && v >= v_th + h;
    if absolute {
        state[s + BLOCK] = select(max(held - 1.0, 0.0), parameter(5u, neuron), spike);
    }
    if spike {
        if RESET == 0u {
            assign(s, slow_v, parameter(4u, neuron));
        } else {
            state[s] = v + (parameter(4u, neuron) - v_th);
        }
        if relative {
            state[rise] = h + parameter(6u, neuron);
        }
        if ADEX == 1u {
            state[s + 3u * BLOCK] += parameter(11u, neuron);
        }
    }
    store_spikes(base, local, spike);
}
