// One invocation = one neuron of one sample at one step: integrate, threshold, reset, slope of the surrogate. Twin and
// equations: src/train/eprop_lif.rs. Neurons are padded to whole workgroups, so that the 64 invocations of a workgroup
// belong to one sample.
//!use lib/surrogate.wgsl

var<workgroup> fired: array<u32, WG>;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell[select(field, field * params.n + neuron, params.own == 1u)];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let padded = (params.n + WG - 1u) / WG * WG;
    let base = invocation(group, groups, 0u, WG);
    let b = base / padded;
    if b >= clock.samples {
        return;
    }
    let neuron = base % padded + local;
    let alive = neuron < params.n;
    let id = min(neuron, params.n - 1u);
    let row = b * STATE * params.n + id;
    let words = (params.n + 31u) / 32u;

    for (var t = span.t0; t < span.t1; t++) {
        var v = parameter(CELL_V_INIT, id);
        var held = 0.0;
        var h = 0.0;
        var count = 0.0;
        if t > 0u {
            v = state[row + STATE_V * params.n];
            held = state[row + STATE_HELD * params.n];
            h = state[row + STATE_H * params.n];
            count = state[row + STATE_SPIKES * params.n];
        }
        let free = held <= 0.0;
        if free || (params.hold == 0u) {
            v += parameter(CELL_FALL_M, id) * v + parameter(CELL_P20, id) * i_e[id] + arrivals[b * params.n + id];
        }
        h += parameter(CELL_FALL_REL, id) * h;
        let u = v - (parameter(CELL_V_TH, id) + h);
        let spike = free && (u >= 0.0);
        held = max(held - 1.0, 0.0);
        if spike {
            v += parameter(CELL_V_RESET, id) - parameter(CELL_V_TH, id);
            h += parameter(CELL_DELTA_TH, id);
            held = parameter(CELL_T_REF, id);
            count += select(0.0, 1.0, t < params.counted);
        }
        fired[local] = select(0u, 1u, spike);
        if alive {
            state[row + STATE_V * params.n] = v;
            state[row + STATE_HELD * params.n] = held;
            state[row + STATE_H * params.n] = h;
            state[row + STATE_SPIKES * params.n] = count;
            let derivative = surrogate_derivative(params.steepness, u / params.unit) / params.unit;
            slope[(b * params.ring + t % params.ring) * params.n + id] = select(0.0, derivative, free);
        }
        workgroupBarrier();
        if alive && (local % 32u == 0u) {
            var bits = 0u;
            for (var k = 0u; k < min(32u, params.n - neuron); k++) {
                bits |= fired[local + k] << k;
            }
            spikes[(b * (params.history + params.steps) + params.history + t) * words + neuron / 32u] = bits;
        }
        workgroupBarrier();
    }
}
