//! The library of ion channels: what a word of [`super::hh`] for a channel means, as gates and rates.
//!
//! A channel is data for one kernel (`neuron/channels`), so a new one is an entry here and a word there; no
//! shader changes.

use super::channels::{Channel, Form, Gate, Influx, Ion, Kinetics, Rate, Tau};
use super::hh;

fn rate(form: Form, factor: f64, v0: f64, k: f64) -> Rate {
    Rate { form, factor, v0, k }
}

fn gate(name: &str, power: u32, alpha: Rate, beta: Rate) -> Gate {
    Gate { name: name.to_owned(), power, kinetics: Kinetics::Rates { alpha, beta }, init: None }
}

/// A gate that is shut at the start, as in the published runs of these cells.
fn shut(gate: Gate) -> Gate {
    Gate { init: Some(0.0), ..gate }
}

/// Gates and flags of a channel of the scene.
pub fn channel(name: &str, channel: &hh::Channel) -> Channel {
    use Form::{Exp, Linoid, Sigmoid};
    use hh::Channel as C;
    let plain = |gates| Channel { name: name.to_owned(), gates, influx: Influx::None, ion: None };
    match channel {
        C::Leak { .. } => plain(vec![]),
        // alpha_m = 0.32 (13 - u) / (e^((13 - u)/4) - 1) with u = v - shift, and so on.
        C::Na { shift, .. } => {
            let v = shift.get();
            plain(vec![
                shut(gate(
                    "m",
                    3,
                    rate(Linoid, 0.32 * 4.0, v + 13.0, 4.0),
                    rate(Linoid, 0.28 * 5.0, v + 40.0, -5.0),
                )),
                shut(gate(
                    "h",
                    1,
                    rate(Exp, 0.128, v + 17.0, -18.0),
                    rate(Sigmoid, 4.0, v + 40.0, 5.0),
                )),
            ])
        }
        C::K { shift, .. } => {
            let v = shift.get();
            plain(vec![shut(gate(
                "n",
                4,
                rate(Linoid, 0.032 * 5.0, v + 15.0, 5.0),
                rate(Exp, 0.5, v + 10.0, -40.0),
            ))])
        }
        C::NaSquid { phi, .. } => plain(vec![
            gate(
                "m",
                3,
                rate(Linoid, phi * 0.1 * 10.0, -40.0, 10.0),
                rate(Exp, phi * 4.0, -65.0, -18.0),
            ),
            gate("h", 1, rate(Exp, phi * 0.07, -65.0, -20.0), rate(Sigmoid, *phi, -35.0, 10.0)),
        ]),
        C::KSquid { phi, .. } => plain(vec![gate(
            "n",
            4,
            rate(Linoid, phi * 0.01 * 10.0, -55.0, 10.0),
            rate(Exp, phi * 0.125, -65.0, -80.0),
        )]),
        C::M { tau_max, .. } => plain(vec![Gate {
            name: "p".to_owned(),
            power: 1,
            kinetics: Kinetics::Relaxation {
                v0: -35.0,
                k: 10.0,
                tau: Tau::Bell {
                    base: 0.0,
                    scale: tau_max.get(),
                    first: [3.3, -35.0, 20.0],
                    second: [1.0, -35.0, -20.0],
                },
            },
            init: Some(0.0),
        }]),
        C::CaT { shift, .. } => {
            let s = shift.get();
            // Rates at 24 °C, sped up by 3 for every 10 degrees, to 36 °C.
            let phi = 3f64.powf(1.2);
            Channel {
                name: name.to_owned(),
                gates: vec![
                    Gate {
                        name: "m".to_owned(),
                        power: 2,
                        kinetics: Kinetics::Instant { v0: -57.0 - s, k: 6.2 },
                        init: None,
                    },
                    Gate {
                        name: "h".to_owned(),
                        power: 1,
                        kinetics: Kinetics::Relaxation {
                            v0: -81.0 - s,
                            k: -4.0,
                            tau: Tau::Step {
                                base: 30.8 / phi,
                                scale: 211.4 / phi,
                                above: [1.0 / phi, -113.2 - s, 5.0],
                                below: [-84.0 - s, 3.2],
                            },
                        },
                        init: Some(0.0),
                    },
                ],
                influx: Influx::Carried,
                ion: Some(Ion::Calcium),
            }
        }
        C::CaL { .. } => Channel {
            name: name.to_owned(),
            gates: vec![
                shut(gate(
                    "q",
                    2,
                    rate(Linoid, 0.055 * 3.8, -27.0, 3.8),
                    rate(Exp, 0.94, -75.0, -17.0),
                )),
                shut(gate(
                    "r",
                    1,
                    rate(Exp, 0.000457, -13.0, -50.0),
                    rate(Sigmoid, 0.0065, -15.0, 28.0),
                )),
            ],
            influx: Influx::Carried,
            ion: Some(Ion::Calcium),
        },
        C::KCa { half, power, .. } => plain(vec![Gate {
            name: "c".to_owned(),
            power: *power,
            kinetics: Kinetics::Calcium { half: half.get() },
            init: None,
        }]),
        C::Custom { ion, calcium, silent, gates, .. } => Channel {
            name: name.to_owned(),
            gates: gates.iter().map(|(name, gate)| custom(name, gate)).collect(),
            influx: match (silent, *calcium || *ion == Some(hh::Ion::Calcium)) {
                (true, _) => Influx::Silent,
                (false, true) => Influx::Carried,
                (false, false) => Influx::None,
            },
            ion: ion.map(|ion| match ion {
                hh::Ion::Calcium => Ion::Calcium,
                hh::Ion::Potassium => Ion::Potassium,
                hh::Ion::Sodium => Ion::Sodium,
            }),
        },
    }
}

fn custom(name: &str, given: &hh::Gate) -> Gate {
    use hh::Rate as R;
    let of = |given: &R| match *given {
        R::Exp { rate: factor, v0, k } => rate(Form::Exp, factor, v0, k),
        R::Sigmoid { rate: factor, v0, k } => rate(Form::Sigmoid, factor, v0, k),
        R::Linoid { rate: factor, v0, k } => rate(Form::Linoid, factor, v0, k),
    };
    let mut start = None;
    let (power, kinetics) = match given {
        hh::Gate::Rates { power, alpha, beta, instant, init } => {
            start = *init;
            let (alpha, beta) = (of(alpha), of(beta));
            let kinetics = match instant {
                true => Kinetics::Steady { alpha, beta },
                false => Kinetics::Rates { alpha, beta },
            };
            (*power, kinetics)
        }
        hh::Gate::Relaxation { power, v0, k, tau } => {
            let constant = Tau::Bell {
                base: *tau,
                scale: 0.0,
                first: [1.0, 0.0, 1e9],
                second: [1.0, 0.0, 1e9],
            };
            (*power, Kinetics::Relaxation { v0: *v0, k: *k, tau: constant })
        }
        hh::Gate::Instant { power, v0, k } => (*power, Kinetics::Instant { v0: *v0, k: *k }),
        hh::Gate::Opened { power, half } => (*power, Kinetics::Calcium { half: *half }),
    };
    Gate { name: name.to_owned(), power, kinetics, init: start }
}
