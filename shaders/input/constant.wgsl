// One invocation = one source of one sample in one row: its value. Twin: src/input/constant.rs.
//!use lib/pixel.wgsl

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let rows = min(span.t1, params.rows) - span.t0;
    let id = rank % params.n;
    let t = span.t0 + rank / params.n % rows;
    let b = rank / params.n / rows;
    if b >= clock.samples {
        return;
    }
    let row = b * (params.history + params.rows) + params.history + t;
    values[row * params.n + id] = params.scale * f32(intensity(b, t, id));
}
