// One invocation = one synapse of one sample: eligibility and gradient over the steps of a chunk. Twin and equations:
// src/train/eprop_learn.rs. Weights lie in panels of 64 targets.

const PANEL = 64u;

fn parameter(field: u32, neuron: u32) -> f32 {
    return cell[select(field, field * params.targets + neuron, params.own == 1u)];
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let count = params.sources * params.targets;
    let b = rank / count;
    if b >= clock.samples {
        return;
    }
    let place = rank % count;
    let first = place / (PANEL * params.sources) * PANEL;
    let width = min(PANEL, params.targets - first);
    let i = (place - first * params.sources) / width;
    let j = first + (place - first * params.sources) % width;

    let rows = 2u + params.adapts + params.regular;
    let row = b * rows * count + place;
    let threshold_row = row + 2u * count;
    let eligible_row = row + (2u + params.adapts) * count;
    let begin = (span.t1 - 1u) / params.ring * params.ring;
    var c = 0.0;
    var filtered = 0.0;
    var of_threshold = 0.0;
    var eligible = 0.0;
    var gradient = 0.0;
    if begin > 0u {
        c = traces[row];
        filtered = traces[row + count];
        if params.adapts == 1u {
            of_threshold = traces[threshold_row];
        }
        if params.regular == 1u {
            eligible = traces[eligible_row];
        }
        gradient = sums[rank];
    }
    let delta_th = parameter(CELL_DELTA_TH, j);
    let fall_rel = parameter(CELL_FALL_REL, j);
    for (var t = max(begin, 1u); t < span.t1; t++) {
        let now = b * params.ring + t % params.ring;
        let before = b * params.ring + (t - 1u) % params.ring;
        filtered += params.out_fall_m * filtered + params.out_p21 * c;
        gradient += signal[now * params.targets + j] * filtered;
        let e = slope[before * params.targets + j] * (left[before * params.sources + i] - of_threshold);
        c += params.out_fall_syn * c + e;
        if params.adapts == 1u {
            of_threshold += delta_th * e;
            of_threshold += fall_rel * of_threshold;
        }
        eligible += select(0.0, e, t - 1u < params.counted);
    }
    if (params.regular == 1u) && (span.t1 == params.steps) {
        let counted = f32(params.counted);
        let rate = state[(b * STATE + STATE_SPIKES) * params.targets + j] / counted;
        gradient += params.strength / (counted * f32(clock.samples)) * (rate - params.wanted) * eligible;
    }
    traces[row] = c;
    traces[row + count] = filtered;
    if params.adapts == 1u {
        traces[threshold_row] = of_threshold;
    }
    if params.regular == 1u {
        traces[eligible_row] = eligible;
    }
    sums[rank] = gradient;
}
