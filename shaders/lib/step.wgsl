// One invocation = one neuron at one step of a simulation. The model has `cell_fields`, `state_rows` and
// `neuron_step`. Twin: src/neuron/frame.rs.

var<workgroup> spiked: array<u32, WG>;

// Where a parameter is: each neuron has its own, or there is one for all.
fn cell_index(own: u32, for_all: u32) -> u32 {
    return select(for_all, own, params.own == 1u);
}

// A neuron's constant current with those of its stimuli.
fn with_stimuli(constant: f32, neuron: u32) -> f32 {
    var input = constant;
    if params.drive == 1u {
        input += drive[params.drive_at + span.t0];
    }
    if params.current == 1u {
        input += current[params.current_at + neuron];
    }
    return input;
}

// What arrives at a receptor; its place in the ring is left empty for the next time around.
fn arriving(neuron: u32, r: u32) -> f32 {
    let slot = (clock.step_lo + span.t0) & (params.slots - 1u);
    let tile = params.first_tile + neuron / params.tile;
    let index = ((tile * params.slots + slot) * params.stride + r) * params.tile + neuron % params.tile;
    let sum = bitcast<i32>(ring[params.ring_at + index]);
    ring[params.ring_at + index] = 0u;
    return receptor_field(r, PORT_KICK, neuron) * f32(sum);
}

// Whether a neuron that is free to do so spikes.
fn decided(free: bool, v: f32, threshold: f32) -> bool {
    return free && (v >= threshold);
}

// `x`, or `to` where the neuron spikes.
fn after_spike(spike: bool, x: f32, to: f32) -> f32 {
    return select(x, to, spike);
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let base = invocation(group, groups, 0u, WG);
    let neuron = base + local;
    let s = params.state_at + neuron / BLOCK * all_rows() * BLOCK + local;
    // Lanes beyond the last neuron compute and are reset like the others, or they would diverge, but do
    // not count.
    let spike = neuron_step(s, neuron) && (neuron < params.n);
    spiked[local] = select(0u, 1u, spike);
    workgroupBarrier();
    if local < 2u {
        var bits = 0u;
        for (var k = 0u; k < 32u; k++) {
            bits |= spiked[(local * 32u) + k] << k;
        }
        spikes[params.spikes_at + span.t0 * params.row + params.first_word + base / 32u + local] = bits;
    }
}
