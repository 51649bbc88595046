// How the workgroups of a delivery share the spikes of a step: evenly, and where there are more workgroups than spikes
// several share the synapses of each. Rank r of them takes share r % n of spike r / n, and then every further one.

// Workgroups for each spike.
fn shares_of(spikes: u32, all_groups: u32) -> u32 {
    return max(all_groups / max(spikes, 1u), 1u);
}
