// One invocation = one neuron of one sample: the adjoint of the steps of the span, the last first, from the distances to
// the threshold on the tape. The model has `neuron_adjoint`. Twin: src/neuron/frame/tape.rs.

var<private> adjoint: array<f32, ROWS>;

// What a model needs to know of the spike on its way back.
struct Back {
    by_spike: f32,  // gradient by the spike
    slope: f32,     // of the spike by the distance to the threshold; 0 where a neuron cannot spike
    spiked: f32,    // 0 or 1, or between with soft spikes
    distance: f32,  // to the threshold
}

// Numbers of neurons on a tape are not trained.
fn wants_numbers() -> bool {
    return false;
}

fn add_number(k: u32, by: f32) {
}

// Puts the gradient by what arrives, in units of its jump, in the place of the distance to the threshold.
fn give_back(neuron: u32, r: u32, by_arriving: f32) {
    if params.arrive == 1u {
        tape[tape_index(neuron)] = receptor_field(r, PORT_KICK, neuron) * by_arriving;
    }
}

// What the gradient by the spike gains where the spike adds `change` to the potential, whose gradient is `by_after`.
fn through_reset(by_after: f32, change: f32) -> f32 {
    return select(0.0, by_after * change, (ATTACHED & 1u) != 0u);
}

// The same where it adds to the threshold or an adaptation.
fn through_adaptation(by_after: f32, change: f32) -> f32 {
    return select(0.0, by_after * change, (ATTACHED & 2u) != 0u);
}

// Gradient by the spike of this neuron in step `t`, or what a spike there is worth.
fn by_spike_of(neuron: u32, t: u32) -> f32 {
    return cotangent[params.cotangent_at + (sample * params.steps + t) * params.n + neuron];
}

// Gradient by the potential before the spike from that behind it: see src/neuron/eventprop.rs.
fn before_spike(by_v: f32, neuron: u32) -> f32 {
    let v_th = parameter(CELL_V_TH, neuron);
    let reset = parameter(CELL_V_RESET, neuron) - v_th;
    var before = start_of(0u, neuron) - v_th;
    if now > 0u {
        before = tape[tape_index(neuron) - params.n];
    }
    if before >= 0.0 {
        before = reset;
    }
    let rise = max(to_threshold - before, params.least_rise);
    var by_time = 0.0;
    if now + 1u < params.steps {
        by_time = by_spike_of(neuron, now + 1u) - by_spike_of(neuron, now);
    }
    return by_v + (parameter(CELL_FALL_M, neuron) * reset * by_v - by_time) / rise;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    if is_beyond(group, groups) {
        return;
    }
    let block = invocation(group, groups, 0u, WG) / BLOCK;
    let blocks = (params.n + BLOCK - 1u) / BLOCK;
    sample = block / blocks;
    let neuron = block % blocks * BLOCK + local;
    if (sample >= clock.samples) || (neuron >= params.n) {
        return;
    }
    let kept = params.stored_at + block * (ROWS + 1u) * BLOCK + local;
    var by_current = 0.0;
    if (params.carry == 1u) && (span.t1 < params.steps) {
        for (var k = 0u; k < ROWS; k++) {
            adjoint[k] = stored[kept + k * BLOCK];
        }
        by_current = stored[kept + ROWS * BLOCK];
    }
    for (var t = span.t1; t > span.t0; t--) {
        now = t - 1u;
        to_threshold = tape[tape_index(neuron)];
        if BY_TIMES == 1u {
            if (params.pushed == 1u) && (peak[params.peak_at + sample * params.n + neuron] == now) {
                adjoint[0] -= params.push / f32(clock.samples);
            }
            if to_threshold >= 0.0 {
                adjoint[0] = before_spike(adjoint[0], neuron);
            }
            // That is all that the spike does.
            by_current += neuron_adjoint(0u, 0u, neuron, Back(0.0, 0.0, 0.0, to_threshold));
            continue;
        }
        if SILENT == 1u {
            // Linear, and never at the threshold: where the potential was does not matter.
            to_threshold = -1.0;
            by_current += neuron_adjoint(0u, 0u, neuron, Back(by_spike_of(neuron, now), 1.0, 0.0, to_threshold));
            continue;
        }
        var slope = 0.0;
        if to_threshold > HELD {
            slope = surrogate_derivative(params.steepness, to_threshold / params.unit) / params.unit;
        }
        var spiked = select(0.0, 1.0, to_threshold >= 0.0);
        if SOFT == 2u {
            spiked = soft_spike();
        }
        let by_spike = by_spike_of(neuron, now);
        by_current += neuron_adjoint(0u, 0u, neuron, Back(by_spike, slope, spiked, to_threshold));
    }
    if span.t0 == 0u {
        current[params.current_at + sample * params.n + neuron] = by_current;
    }
    if params.carry == 1u {
        for (var k = 0u; k < ROWS; k++) {
            stored[kept + k * BLOCK] = adjoint[k];
        }
        stored[kept + ROWS * BLOCK] = by_current;
    }
}
