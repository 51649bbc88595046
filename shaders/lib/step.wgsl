// One workgroup = one tile of neurons over steps of an interval of a simulation. The model has `cell_fields`, `state_rows`
// and `neuron_step`. Twin: src/neuron/frame/step.rs.

// Spikes of two turns, a bit for each invocation: while one is written the other is put together.
var<workgroup> spiked: array<atomic<u32>, 16>;

// The step of the window that is under way.
var<private> now: u32;

// Where a parameter is: each neuron has its own, or there is one for all.
fn cell_index(own: u32, for_all: u32) -> u32 {
    return select(for_all, own, params.own == 1u);
}

// A neuron's constant current with those of its stimuli.
fn with_stimuli(constant: f32, neuron: u32) -> f32 {
    var input = constant;
    if params.drive == 1u {
        input += cell[params.drive_at + now];
    }
    if params.current == 1u {
        input += cell[params.current_at + neuron];
    }
    return input;
}

fn ring_index(place: u32) -> u32 {
    return params.ring_at + place;
}

// What arrives at a receptor; its place in the ring is left empty for the next time around.
fn arriving(neuron: u32, r: u32) -> f32 {
    let slot = (clock.step_lo + now) & (params.slots - 1u);
    let tile = params.first_tile + neuron / TILE;
    let at = ring_index(((tile * params.slots + slot) * params.stride + r) * TILE + neuron % TILE);
    let sum = atomicLoad(&ring[at]) + events_at(neuron, r, step_at(now));
    atomicStore(&ring[at], 0u);
    return receptor_field(r, PORT_KICK, neuron) * f32(bitcast<i32>(sum));
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
    let tile = invocation(group, groups, 0u, 1u);
    let steps = steps_here();
    if (PULLS == 1u) && (phase(steps.t0, INTERVAL) == 0u) {
        pull(params.first_tile + tile, local);
        storageBarrier();
    }
    // Lanes beyond the last neuron of its block compute and are reset like the others, or they would diverge, but do
    // not count.
    let padded = (params.n + BLOCK - 1u) / BLOCK * BLOCK;
    var turn = 0u;
    for (var t = steps.t0; t < steps.t1; t++) {
        now = t;
        for (var base = 0u; base < TILE; base += WG) {
            let first = tile * TILE + base;
            let neuron = first + local;
            if (base + local < TILE) && (neuron < padded) {
                let s = params.state_at + neuron / BLOCK * all_rows() * BLOCK + neuron % BLOCK;
                if neuron_step(s, neuron) && (neuron < params.n) {
                    atomicOr(&spiked[turn + local / 32u], 1u << (local % 32u));
                }
                take_samples(neuron, s, t);
            }
            workgroupBarrier();
            if local < WG / 32u {
                let bits = atomicExchange(&spiked[turn + local], 0u);
                let word = first / 32u + local;
                if (base + 32u * local < TILE) && (word * 32u < padded) {
                    spikes[params.spikes_at + t * ROW_WORDS + params.first_word + word] = bits;
                }
            }
            turn = 8u - turn;
        }
    }
}
