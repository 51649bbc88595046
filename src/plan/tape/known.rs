//! Networks that ways to find gradients know. The check of a scene says what they are; here is what only the network itself
//! tells, whose numbers may be those that another run learned.

use super::window::differ;
use super::*;
use crate::network::{self, Network, Synapses};
use crate::neuron::iaf::{self, Iaf};
use crate::scene::Gradient;

/// Refuses a network that `gradient` does not know.
pub(super) fn known(network: &Network, gradient: Gradient) -> Result<(), PlanError> {
    let refuse = |what: String, why: &'static str| Err(PlanError::Unknown { what, why });
    let of_eprop = gradient.eprop().is_some();
    let of_times = gradient.by_times().is_some();
    for p in network.projections.iter().filter(|_| of_eprop) {
        if !matches!(p.synapses, Synapses::Dense { .. }) {
            return refuse(format!("projection `{}`", p.name), "e-prop knows dense weights only");
        }
    }
    for population in &network.populations {
        let why = match &population.kind {
            network::Kind::Stepped(neurons)
                if of_eprop
                    && neurons.answers()
                    && neurons.trained().currents.iter().any(|i| *i != 0.0) =>
            {
                "outputs have no constant current in a training by e-prop"
            }
            network::Kind::Stepped(neurons)
                if of_eprop
                    && neurons.answers()
                    && (differ(&neurons.cells()) || neurons.own_receptors()) =>
            {
                "all outputs have the same filter in a training by e-prop"
            }
            network::Kind::Stepped(neurons) if of_eprop && membranes_differ(&neurons.cells()) => {
                "neurons of a population share their membrane in a training by e-prop"
            }
            network::Kind::Stepped(neurons)
                if of_times && !neurons.on_tape().is_none_or(is_known) =>
            {
                "by the times of spikes learn neurons that are reset to a value, without refractory periods"
            }
            _ => continue,
        };
        return refuse(format!("population `{}`", population.name), why);
    }
    Ok(())
}

/// Whether gradients by times know what spikes do to these neurons.
fn is_known(iaf: &Iaf) -> bool {
    let has_none = |cell: &iaf::Cell| cell.t_ref == 0.0 && cell.delta_th == 0.0;
    !iaf.subtract && iaf.cells.iter().all(has_none)
}

fn membranes_differ(cells: &[Vec<f64>]) -> bool {
    let fall = iaf::cell::fall_m;
    cells.iter().any(|cell| cell[fall] != cells[0][fall])
}
