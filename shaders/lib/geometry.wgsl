// Where the windows of a convolution lie: see src/synapse/convolution.rs. Uses params.

// Number of a source, by row, column and channel.
fn source_of(row: u32, column: u32, channel: u32) -> u32 {
    return (row * params.source_width + column) * params.channels + channel;
}

// Row of what is pooled that row ky of the kernel covers at a row of the targets; beyond all rows if there is none. The
// same of columns.
fn covered_row(row: u32, ky: u32) -> u32 {
    return row * params.stride_y + ky * params.dilation_y - params.padding_y;
}
fn covered_column(column: u32, kx: u32) -> u32 {
    return column * params.stride_x + kx * params.dilation_x - params.padding_x;
}

// Row of the targets that sees a row of what is pooled by row ky of the kernel; beyond all rows if none does. The same of
// columns.
fn seeing_row(row: u32, ky: u32) -> u32 {
    let away = row + params.padding_y - ky * params.dilation_y;
    let seeing = away / params.stride_y;
    let is_seen = (row < params.source_height / params.pool_height) && (seeing * params.stride_y == away);
    return select(0xffffffffu, seeing, is_seen);
}
fn seeing_column(column: u32, kx: u32) -> u32 {
    let away = column + params.padding_x - kx * params.dilation_x;
    let seeing = away / params.stride_x;
    let is_seen = (column < params.source_width / params.pool_width) && (seeing * params.stride_x == away);
    return select(0xffffffffu, seeing, is_seen);
}

// Weights of a target.
fn fan_in() -> u32 {
    return params.channels / params.groups * params.kernel_height * params.kernel_width;
}
