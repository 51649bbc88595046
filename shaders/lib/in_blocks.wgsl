// State and adjoint in blocks of 64 neurons. Twin: src/neuron/stepped.rs.
const ROW = BLOCK;

fn receptors() -> u32 {
    return params.receptors;
}
