// One invocation = one neuron of one sample over the steps of the span, of which the tape keeps the distance to the
// threshold. The model has `cell_fields`, `state_rows` and `neuron_step`. Twin: src/neuron/frame/tape.rs.

var<workgroup> trains: array<u32, WG>;   // spikes of each neuron over up to 32 steps

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let block = invocation(group, groups, 0u, WG) / BLOCK;
    let blocks = (params.n + BLOCK - 1u) / BLOCK;
    sample = block / blocks;
    let base = block % blocks * BLOCK;
    let neuron = base + local;
    let alive = (sample < clock.samples) && (neuron < params.n);
    let slow = params.slow != 0u;
    let carried = (params.carry == 1u) && (span.t0 > 0u);
    let kept = params.stored_at + block * all_rows() * BLOCK + local;
    for (var k = 0u; k < ROWS; k++) {
        let low = k + ROWS;
        if carried {
            state[k] = stored[kept + k * BLOCK];
            if slow {
                state[low] = stored[kept + low * BLOCK];
            }
        } else {
            state[k] = start_of(k, neuron);
            if slow {
                state[low] = start_of(low, neuron);
            }
        }
    }
    // Lanes beyond the last neuron get nothing.
    if alive {
        constant_current = current[params.current_at + sample * params.n + neuron];
    }
    let words = (params.n + 31u) / 32u;
    let rows = sample * (params.history + params.steps) + params.history;
    // `span` is the same for all invocations, as the barriers need it.
    for (var t = span.t0; t < span.t1; t += 32u) {
        let last = min(t + 32u, span.t1);
        var train = 0u;
        for (now = t; (now < last) && (sample < clock.samples); now++) {
            let spike = neuron_step(0u, neuron);
            if alive {
                tape[tape_index(neuron)] = to_threshold;
                train |= select(0u, 1u << (now - t), spike);
                if SOFT > 0u {
                    soft_spikes[params.soft_spikes_at + (rows + now) * params.n + neuron] = soft_spike();
                }
            }
        }
        // 64 trains over 32 steps become two words for each of 32 steps: invocation k makes the word of neurons
        // 32 (k / 32).. at step k % 32.
        trains[local] = train;
        workgroupBarrier();
        let step = local % 32u;
        let first = local - step;
        let word = (base + first) / 32u;
        if (sample < clock.samples) && (t + step < last) && (word < words) {
            var bits = 0u;
            for (var k = 0u; k < 32u; k++) {
                bits |= ((trains[first + k] >> step) & 1u) << k;
            }
            spikes[params.spikes_at + (rows + t + step) * words + word] = bits;
        }
        workgroupBarrier();
    }
    if (params.carry == 1u) && (sample < clock.samples) {
        for (var k = 0u; k < ROWS; k++) {
            stored[kept + k * BLOCK] = state[k];
            if slow {
                stored[kept + (k + ROWS) * BLOCK] = state[k + ROWS];
            }
        }
    }
}
