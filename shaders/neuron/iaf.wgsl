// One invocation = one neuron at one step: integrate, take what arrives, threshold, reset.
// Twin and equations: src/neuron/iaf.rs.
//!use lib/call.wgsl
override WG: u32;
override NONLINEAR: u32;
override ADEX: u32;
override RESET: u32;

struct Params {
    n: u32,
    tile: u32,
    first_tile: u32,
    slots: u32,
    stride: u32,
    receptors: u32,
    own: u32,
    drive: u32,
    current: u32,
    row: u32,
    first_word: u32,
    refractory: u32,
}

//!use lib/stepped.wgsl
//!use lib/receptor.wgsl

const CELL = 13u;
const STATE = 4u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell_field(CELL + 2u * params.receptors, field, neuron);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let base = invocation(group, groups, 0u, WG);
    let padded = (params.n + BLOCK - 1u) / BLOCK * BLOCK;
    if base >= padded {
        return;
    }
    let neuron = base + local;
    let rows = STATE + 2u * params.receptors;
    let s = neuron / BLOCK * rows * BLOCK + local;
    let before = state[s];
    var held = state[s + BLOCK];
    var h = state[s + 2u * BLOCK];
    var w = state[s + 3u * BLOCK];
    let v_th = parameter(3u, neuron);

    var input = with_stimuli(parameter(2u, neuron), neuron);
    var v = before;
    if NONLINEAR == 1u {
        var conductance = parameter(1u, neuron);
        for (var r = 0u; r < params.receptors; r++) {
            let g = state[s + (STATE + 2u * r) * BLOCK];
            if receptor[r * RECEPTOR + 5u] > 0.0 {
                let open = receptor_open(r, g, v);
                conductance += open.g;
                input += open.g_e;
            } else {
                input += g;
            }
        }
        if ADEX == 1u {
            let delta_t = parameter(8u, neuron);
            let x = min((min(v, v_th) - parameter(9u, neuron)) / delta_t, 60.0);
            input += parameter(1u, neuron) * delta_t * exp(x) - w;
            let settled = parameter(10u, neuron) * v;
            w = settled + (w - settled) * parameter(12u, neuron);
        }
        let v_inf = input / conductance;
        v = v_inf + (v - v_inf) * exp(-parameter(0u, neuron) * conductance);
    } else {
        v = parameter(0u, neuron) * v + parameter(1u, neuron) * input;
        for (var r = 0u; r < params.receptors; r++) {
            v += parameter(CELL + 2u * r, neuron) * state[s + (STATE + 2u * r) * BLOCK];
            if receptor[r * RECEPTOR] == 3.0 {
                v += parameter(CELL + 2u * r + 1u, neuron) * state[s + (STATE + 2u * r + 1u) * BLOCK];
            }
        }
    }
    if held > 0.0 {
        v = before;
    }

    let slot = slot_now();
    for (var r = 0u; r < params.receptors; r++) {
        let jump = receptor_step(r, s + (STATE + 2u * r) * BLOCK, ring_take(neuron, r, slot));
        if held <= 0.0 {
            v += jump;
        }
    }

    let spike = held <= 0.0 && v >= v_th + h;
    h = parameter(7u, neuron) * h;
    held = max(held - 1.0, 0.0);
    if spike {
        v = select(v + (parameter(4u, neuron) - v_th), parameter(4u, neuron), RESET == 0u);
        held = parameter(5u, neuron);
        h += parameter(6u, neuron);
        if ADEX == 1u {
            w += parameter(11u, neuron);
        }
    }
    state[s] = v;
    state[s + BLOCK] = held;
    state[s + 2u * BLOCK] = h;
    state[s + 3u * BLOCK] = w;
    store_spikes(base, local, spike);
}
