// One invocation = one target of one sample: takes each spike to the steps in which its parts arrive.
// Twin: src/synapse/delay_arrivals.rs.
//!use lib/sent.wgsl
//!use lib/panel.wgsl
const PANEL = 64u;

// Adds the parts of what source i sent in step s to the column of target j.
fn arrive(b: u32, s: u32, i: u32, j: u32, value: f32) {
    let synapse = panel_column(params.n, j) + i * panel_stride(params.targets, j);
    let w = value * weights[synapse];
    let early = s + 1u + first[synapse];
    for (var k = 0u; k < params.width && early + k < span.t1; k++) {
        if early + k >= span.t0 {
            let at = (b * params.steps + early + k) * params.row + params.begin + j;
            arrivals[at] += w * taps[synapse * params.width + k];
        }
    }
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
    let rank = invocation(group, groups, local, WG);
    let j = rank % params.targets;
    let b = rank / params.targets;
    if b >= clock.samples {
        return;
    }
    if params.accumulate == 0u {
        for (var t = span.t0; t < span.t1; t++) {
            arrivals[(b * params.steps + t) * params.row + params.begin + j] = 0.0;
        }
    }
    let words = (params.n + 31u) / 32u;
    for (var s = span.t0 - min(span.t0, params.longest); s < span.t1; s++) {
        let row = b * (params.history + params.steps) + params.history + s;
        if VALUES == 1u {
            for (var i = 0u; i < params.n; i++) {
                let value = sent(row, i);
                if value != 0.0 {
                    arrive(b, s, i, j, value);
                }
            }
        } else {
            for (var w = 0u; w < words; w++) {
                var bits = spikes[row * words + w];
                while bits != 0u {
                    arrive(b, s, w * 32u + firstTrailingBit(bits), j, 1.0);
                    bits &= bits - 1u;
                }
            }
        }
    }
}
