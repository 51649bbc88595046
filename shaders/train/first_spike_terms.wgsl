// One invocation = one sample. Twin and equations: src/train/first_spike_terms.rs.

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let b = invocation(group, groups, local, WG);
    if b >= clock.samples {
        return;
    }
    for (var k = 0u; k < params.n; k++) {
        peak[b * params.n + k] = params.steps;
    }
    let label = labels[b];
    if label >= params.n {
        return;
    }
    let own = b * params.n + label;
    let growth = exp(params.rise * f32(first[own] + 1u));
    var loss = params.alpha * (growth - 1.0);
    output_gradient[own] -= params.alpha * params.by_output * growth / f32(clock.samples);
    if params.push > 0.0 && first[own] == params.steps {
        let row = b * params.steps * params.n + label;
        var highest = 0u;
        for (var t = 1u; t < params.steps; t++) {
            if tape[row + t * params.n] > tape[row + highest * params.n] {
                highest = t;
            }
        }
        peak[own] = highest;
        loss -= params.push * tape[row + highest * params.n];
    }
    losses[b * params.slots + clock.slot] += loss;
}
