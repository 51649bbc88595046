// Where dense weights lie: panels of PANEL targets, sources, targets within the panel. A kernel that uses this
// declares PANEL, as in src/synapse/mod.rs, where its twin is panel_index.

// Index of the weight from source 0 to target j.
fn panel_column(sources: u32, j: u32) -> u32 {
    let first = j / PANEL * PANEL;
    return first * sources + j - first;
}

// Distance from one source's weight to the next.
fn panel_stride(width: u32, j: u32) -> u32 {
    return min(PANEL, width - j / PANEL * PANEL);
}
