// One workgroup: its lanes add up partial sums, the first of them the lanes. Twin: src/train/clip.rs.

var<workgroup> of_lane: array<f32, WG>;

@compute @workgroup_size(WG)
fn main(@builtin(local_invocation_index) local: u32) {
    var sum = 0.0;
    for (var k = local; k < params.parts; k += WG) {
        sum += sums[k];
    }
    of_lane[local] = sum;
    workgroupBarrier();
    if local == 0u {
        var total = 0.0;
        for (var k = 0u; k < WG; k++) {
            total += of_lane[k];
        }
        factor[0] = min(1.0, params.most / (sqrt(total) + 1e-6));
    }
}
