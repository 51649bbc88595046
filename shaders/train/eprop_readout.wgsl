// One invocation = the readout of one sample at one step: its potentials, the loss of the step and the gradient by them.
// Twin and equations: src/train/eprop_readout.rs.
//!use lib/target_error.wgsl

const STATE = 3u;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    let n = params.n;
    let v_row = b * STATE * n;
    let i_row = v_row + n;
    let sum_row = i_row + n;
    let first_part = b * params.parts;
    let kept = b * params.slots + clock.slot;
    var asked = 0u;
    if FORM == 3u {
        for (var part = 0u; part < params.parts; part++) {
            asked += select(0u, 1u, labels[first_part + part] < n);
        }
    }
    let weight = params.weight / f32(max(asked, 1u));
    let scale = weight / (f32(clock.samples) * params.v_unit);
    for (var t = span.t0; t < span.t1; t++) {
        let counts = (t >= params.begin) && (t < params.begin + params.parts * params.length);
        let since = select(0u, t - params.begin, counts);
        let part = since / params.length;
        let within = since % params.length;
        let error_row = (b * params.ring + t % params.ring) * n;
        var most = -3.0e38;
        for (var k = 0u; k < n; k++) {
            var v = 0.0;
            var i = 0.0;
            var sum = 0.0;
            if t > 0u {
                v = state[v_row + k];
                i = state[i_row + k];
            }
            if within > 0u {
                sum = state[sum_row + k];
            }
            v += params.fall_m * v + params.p21 * i;
            i += params.fall_syn * i + arrivals[b * n + k];
            let y = v / params.v_unit;
            most = max(most, y);
            state[v_row + k] = v;
            state[i_row + k] = i;
            state[sum_row + k] = sum + y;
            errors[error_row + k] = 0.0;
        }
        var loss = 0.0;
        if t > 0u {
            loss = losses[kept];
        }
        if counts && (FORM != 3u) {
            for (var k = 0u; k < n; k++) {
                let error = error_of(state[v_row + k] / params.v_unit, wanted(first_part + part, k));
                loss += weight * error.x;
                errors[error_row + k] = error.y * scale;
            }
        }
        if counts && (FORM == 3u) {
            let label = labels[first_part + part];
            if label < n {
                var total = 0.0;
                for (var k = 0u; k < n; k++) {
                    let e = exp(state[v_row + k] / params.v_unit - most);
                    errors[error_row + k] = e;
                    total += e;
                }
                loss += weight * (log(total) - (state[v_row + label] / params.v_unit - most));
                for (var k = 0u; k < n; k++) {
                    let is_label = select(0.0, 1.0, k == label);
                    errors[error_row + k] = (errors[error_row + k] / total - is_label) * scale;
                }
            }
        }
        losses[kept] = loss;
        if counts && (within + 1u == params.length) {
            var best = 0u;
            var right = 0u;
            for (var k = 0u; k < n; k++) {
                let told = state[sum_row + k] / params.share;
                output[(first_part + part) * n + k] = told;
                if state[sum_row + k] > state[sum_row + best] {
                    best = k;
                }
                if FORM == 2u {
                    right += select(0u, 1u, is_right(told, wanted(first_part + part, k)));
                }
            }
            if part < params.answers {
                let at = (b * params.answers + part) * params.slots + clock.slot;
                predictions[at] = select(best, right, FORM == 2u);
            }
        }
    }
}

// The target of an output in a part.
fn wanted(part: u32, k: u32) -> f32 {
    return targets[part * params.columns + min(k, params.columns - 1u)];
}
