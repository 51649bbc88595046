// Intensity of source `id` of a sample at step `t`, 0 to 255: of its pixel in the frame that is shown then, and 0 after
// the last one. Pixels are bytes, four to a word. Twin: Frames in src/input/mod.rs.
fn intensity(b: u32, t: u32, id: u32) -> u32 {
    let frame = t / params.hold;
    if frame >= params.frames {
        return 0u;
    }
    let at = frame * params.n + id;
    let word = pixels[b * ((params.frames * params.n + 3u) / 4u) + at / 4u];
    return (word >> (8u * (at % 4u))) & 255u;
}
