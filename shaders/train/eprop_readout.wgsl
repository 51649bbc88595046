// One invocation = the readout of one sample at one step: its potentials, the loss of the step and the gradient by them.
// Twin and equations: src/train/eprop_readout.rs.

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
    let kept = b * params.slots + clock.slot;
    let scale = 1.0 / (params.share * f32(clock.samples) * params.v_unit);
    for (var t = span.t0; t < span.t1; t++) {
        let counts = (t >= params.begin) && (t < params.begin + params.length);
        let error_row = (b * params.ring + t % params.ring) * n;
        var most = -3.0e38;
        for (var k = 0u; k < n; k++) {
            var v = 0.0;
            var i = 0.0;
            var sum = 0.0;
            if t > 0u {
                v = state[v_row + k];
                i = state[i_row + k];
                sum = state[sum_row + k];
            }
            v += params.fall_m * v + params.p21 * i;
            i += params.fall_syn * i + arrivals[b * n + k];
            let y = v / params.v_unit;
            most = max(most, y);
            state[v_row + k] = v;
            state[i_row + k] = i;
            state[sum_row + k] = sum + select(0.0, y, counts);
            errors[error_row + k] = 0.0;
        }
        var loss = 0.0;
        if t > 0u {
            loss = losses[kept];
        }
        if counts && (params.targeted == 1u) {
            for (var k = 0u; k < n; k++) {
                let e = state[v_row + k] / params.v_unit - targets[b * n + k];
                loss += e * e / params.share;
                errors[error_row + k] = 2.0 * e * scale;
            }
        }
        if counts && (params.targeted == 0u) && (labels[b] < n) {
            var total = 0.0;
            for (var k = 0u; k < n; k++) {
                let e = exp(state[v_row + k] / params.v_unit - most);
                errors[error_row + k] = e;
                total += e;
            }
            loss += (log(total) - (state[v_row + labels[b]] / params.v_unit - most)) / params.share;
            for (var k = 0u; k < n; k++) {
                let wanted = select(0.0, 1.0, k == labels[b]);
                errors[error_row + k] = (errors[error_row + k] / total - wanted) * scale;
            }
        }
        losses[kept] = loss;
        if t + 1u == params.steps {
            var best = 0u;
            for (var k = 0u; k < n; k++) {
                output[b * n + k] = state[sum_row + k] / params.share;
                if state[sum_row + k] > state[sum_row + best] {
                    best = k;
                }
            }
            predictions[kept] = best;
        }
    }
}
