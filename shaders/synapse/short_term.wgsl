// One invocation = one source at one step. Twin and equations: src/synapse/short_term.rs.
//!use lib/call.wgsl
//!use lib/slow.wgsl
override WG: u32;
override SLOW: u32;

struct Params {
    n: u32,
    row: u32,
    first_word: u32,
    u_rest: f32,
    fall_facil: f32,
    fall_rec: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> span: Span;
@group(0) @binding(2) var<storage, read> spikes: array<u32>;
@group(0) @binding(3) var<storage, read_write> utilisation: array<f32>;
@group(0) @binding(4) var<storage, read_write> used: array<f32>;
@group(0) @binding(5) var<storage, read_write> efficacy: array<f32>;

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let source = invocation(group, groups, local, WG);
    if source >= params.n {
        return;
    }
    var u = utilisation[source];
    var x = used[source];
    if SLOW == 1u {
        let rest = params.n + source;
        let slow_u = advanced(vec2<f32>(u, utilisation[rest]), params.fall_facil * u);
        let slow_x = advanced(vec2<f32>(x, used[rest]), params.fall_rec * x);
        u = slow_u.x;
        x = slow_x.x;
        utilisation[rest] = slow_u.y;
        used[rest] = slow_x.y;
    } else {
        u += params.fall_facil * u;
        x += params.fall_rec * x;
    }
    let word = spikes[span.t0 * params.row + params.first_word + source / 32u];
    if ((word >> (source % 32u)) & 1u) == 1u {
        u += params.u_rest * (1.0 - u);
        let released = u * (1.0 - x);
        efficacy[source] = released;
        x += released;
    }
    utilisation[source] = u;
    used[source] = x;
}
