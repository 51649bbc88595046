// What a source sent in a row: its value, or 1 for a spike.
fn sent(row: u32, i: u32) -> f32 {
    if VALUES == 1u {
        return x[row * params.n + i];
    }
    let words = (params.n + 31u) / 32u;
    return f32((spikes[row * words + i / 32u] >> (i % 32u)) & 1u);
}
