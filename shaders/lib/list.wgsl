// Lists of spikes, those of synapse/list_spikes.wgsl: a ring of them. Twin: listed of src/synapse/list_spikes.rs.

// Where the list of the spikes of step `step` begins: their number, then their places.
fn spike_list(step: u32) -> u32 {
    return (step & (params.slots - 1u)) * params.list;
}
