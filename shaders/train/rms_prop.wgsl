// One invocation = one weight: mean of the square, velocity and step. Twin: src/train/rms_prop.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let k = invocation(group, groups, local, WG);
    if k >= params.count {
        return;
    }
    let g = gradient[params.gradient_at + k] * params.unit;
    let mean = params.alpha * square[params.square_at + k] + params.rest * (g * g);
    square[params.square_at + k] = mean;
    let change = params.momentum * velocity[params.velocity_at + k] + g / (sqrt(mean) + params.eps);
    velocity[params.velocity_at + k] = change;
    let rate = params.lr * clock.learning_rate * params.unit;
    let after = weights[params.weights_at + k] - rate * change;
    weights[params.weights_at + k] = select(after, params.floor, after < params.floor);
}
