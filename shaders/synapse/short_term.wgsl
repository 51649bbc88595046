// One invocation = one source at one step. Twin and equations: src/synapse/short_term.rs.
//!use lib/slow.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let source = invocation(group, groups, local, WG);
    if source >= params.n {
        return;
    }
    var u = utilisation[params.utilisation_at + source];
    var x = used[params.used_at + source];
    if SLOW == 1u {
        let slow_u = advanced(vec2<f32>(u, utilisation[params.utilisation_at + source + params.n]), params.fall_facil * u);
        let slow_x = advanced(vec2<f32>(x, used[params.used_at + source + params.n]), params.fall_rec * x);
        u = slow_u.x;
        x = slow_x.x;
        utilisation[params.utilisation_at + source + params.n] = slow_u.y;
        used[params.used_at + source + params.n] = slow_x.y;
    } else {
        u += params.fall_facil * u;
        x += params.fall_rec * x;
    }
    let word = spikes[params.spikes_at + span.t0 * params.row + params.first_word + source / 32u];
    if ((word >> (source % 32u)) & 1u) == 1u {
        u += params.u_rest * (1.0 - u);
        let released = u * (1.0 - x);
        efficacy[params.efficacy_at + source] = released;
        x += released;
    }
    utilisation[params.utilisation_at + source] = u;
    used[params.used_at + source] = x;
}
