// Where dense weights lie: panels of 64 targets, sources, targets within the panel.
// Twin: panel_index of src/synapse/mod.rs.
const PANEL = 64u;

// Index of the weight from source 0 to target j.
fn panel_column(sources: u32, j: u32) -> u32 {
    let first = j / PANEL * PANEL;
    return first * sources + j - first;
}

// Distance from one source's weight to the next.
fn panel_stride(width: u32, j: u32) -> u32 {
    return min(PANEL, width - j / PANEL * PANEL);
}
