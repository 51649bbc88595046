// One invocation = one neuron at one step: integrate, take what arrives, compare with the threshold, raise it.
// Twin and equations: src/neuron/mat2.rs.
//!use lib/slow.wgsl
//!use lib/stepped.wgsl
//!use lib/receptor.wgsl

const SLOW_THRESHOLD = 4u;

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

    let input = with_stimuli(parameter(CELL_I_E, neuron), neuron);
    var change = parameter(CELL_FALL_M, neuron) * state[s] + parameter(CELL_P20, neuron) * input;
    let slot = slot_now();
    let slow_receptors = second_float(SLOW_RECEPTORS, rows);
    for (var r = 0u; r < params.receptors; r++) {
        let g = s + (STATE + 2u * r) * BLOCK;
        change += parameter(CELL + 2u * r, neuron) * state[g];
        if receptor_field(r, PORT_KIND) == 3.0 {
            change += parameter(CELL + 2u * r + 1u, neuron) * state[g + BLOCK];
        }
        change += receptor_step(r, g, slow_receptors, ring_take(neuron, r, slot));
    }
    let v = advance(s, second_float(SLOW_POTENTIAL, rows), change);

    let first = s + STATE_THETA_1 * BLOCK;
    let second = s + STATE_THETA_2 * BLOCK;
    let slow = second_float(SLOW_THRESHOLD, rows);
    let theta_1 = advance(first, slow, parameter(CELL_FALL_1, neuron) * state[first]);
    let theta_2 = advance(second, slow, parameter(CELL_FALL_2, neuron) * state[second]);

    let held = state[s + STATE_HELD * BLOCK];
    let spike = held <= 0.0 && v >= parameter(CELL_OMEGA, neuron) + theta_1 + theta_2;
    state[s + STATE_HELD * BLOCK] = select(max(held - 1.0, 0.0), parameter(CELL_T_REF, neuron), spike);
    if spike {
        state[first] = theta_1 + parameter(CELL_ALPHA_1, neuron);
        state[second] = theta_2 + parameter(CELL_ALPHA_2, neuron);
    }
    store_spikes(base, local, spike);
}
