// One invocation = the trace of one neuron at one step. Twin: src/plasticity/trace.rs.
//!use lib/slow.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let neuron = invocation(group, groups, local, WG);
    if neuron >= params.n {
        return;
    }
    let padded = (params.n + 63u) / 64u * 64u;
    let now = clock.step_lo + span.t0;
    let mask = params.slots - 1u;
    let rest = params.slots * padded + neuron;
    var x = vec2<f32>(trace[params.trace_at + ((now - 1u) & mask) * padded + neuron], 0.0);
    if SLOW == 1u {
        x = advanced(vec2<f32>(x.x, trace[params.trace_at + rest]), params.fall * x.x);
    } else {
        x.x += params.fall * x.x;
    }
    x.x = select(x.x, 0.0, x.x < 1e-30);
    let word = spikes[params.spikes_at + span.t0 * params.row + params.first_word + neuron / 32u];
    if ((word >> (neuron % 32u)) & 1u) == 1u {
        if NEAREST == 1u {
            x = vec2<f32>(1.0, 0.0);
        } else if SLOW == 1u {
            x = advanced(x, 1.0);
        } else {
            x.x += 1.0;
        }
    }
    trace[params.trace_at + (now & mask) * padded + neuron] = x.x;
    if SLOW == 1u {
        trace[params.trace_at + rest] = x.y;
    }
}
