// One invocation = one weight: moments, decay and step. Twin: src/train/adam.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let g = gradient[params.gradient_at + k] * params.unit;
    let m = params.beta1 * mean[params.mean_at + k] + params.rest1 * g;
    let v = params.beta2 * square[params.square_at + k] + params.rest2 * (g * g);
    mean[params.mean_at + k] = m;
    square[params.square_at + k] = v;
    let lr = params.lr * clock.learning_rate;
    let rate = lr * params.unit;
    let change = rate * (m * clock.correction1) / (sqrt(v * clock.correction2) + params.eps);
    let w = weights[params.weights_at + k];
    let after = (w - (lr * params.decay) * w) - change;
    weights[params.weights_at + k] = select(after, params.floor, after < params.floor);
}
