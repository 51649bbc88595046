//! Neurons that are simulated a step at a time: from parameters with units to the numbers of their
//! kernels.

use super::NetworkError;
use super::build::{below_threshold, membrane};
use super::channels;
use super::draw::{Drawn, at};
use crate::grammar::Rule;
use crate::neuron::channels::{self as channels_model, Ions, Membrane, Pool};
use crate::neuron::iaf::{Cell, Iaf};
use crate::neuron::izhikevich::{self, Izhikevich};
use crate::neuron::receptor::{Receptor, Response};
use crate::scene::{self, Param, Reset};
use crate::slow::fall;

/// Charge of a mole of electrons \[C\].
const FARADAY: f64 = 96485.33212;

/// Gas constant \[J / (mol K)\].
const GAS: f64 = 8.314462618;

/// A receptor as kernels know it, and its value at the start.
fn receptor(
    draw: &Drawn,
    (name, receptor): &(String, scene::Receptor),
) -> Result<(Receptor, Vec<f64>), NetworkError> {
    use scene::Receptor as R;
    let exp = |tau: &scene::Quantity<scene::Ms>| Response::Exp { tau: tau.get() };
    let double = |rise: &scene::Quantity<scene::Ms>, decay: &scene::Quantity<scene::Ms>| {
        Response::DoubleExp { tau_rise: rise.get(), tau_decay: decay.get() }
    };
    let (response, e_rev, mg) = match receptor {
        R::Delta {} => (Response::Delta, None, 0.0),
        R::Pulse {} => (Response::Pulse, None, 0.0),
        R::Exp { tau, e_rev, .. } => (exp(tau), e_rev.map(|e| e.get()), 0.0),
        R::Alpha { tau, e_rev } => (double(tau, tau), e_rev.map(|e| e.get()), 0.0),
        R::DoubleExp { tau_rise, tau_decay, e_rev } => {
            (double(tau_rise, tau_decay), e_rev.map(|e| e.get()), 0.0)
        }
        R::Ampa { tau, e_rev } | R::GabaA { tau, e_rev } => (exp(tau), Some(e_rev.get()), 0.0),
        R::Nmda { tau_rise, tau_decay, e_rev, mg } => {
            (double(tau_rise, tau_decay), Some(e_rev.get()), mg.get())
        }
        R::GabaB { tau_rise, tau_decay, e_rev } => {
            (double(tau_rise, tau_decay), Some(e_rev.get()), 0.0)
        }
    };
    let path = format!("receptors.{name}.init");
    let init = draw.find(&path).unwrap_or(&[0.0]);
    // Published networks start from normal distributions, and what is below 0 in them sets off their activity.
    let normal = matches!(receptor, R::Exp { init: Param::Normal { .. }, .. });
    if e_rev.is_some()
        && !normal
        && let Some(neuron) = init.iter().position(|x| *x < 0.0)
    {
        let why = Rule::NotNegative.broken(init[neuron]).unwrap_or_default();
        return Err(draw.refused(&path, neuron, init[neuron], format!("which {why}")));
    }
    Ok((Receptor { name: name.clone(), response, e_rev, mg }, init.to_vec()))
}

/// All receptors of a population, and their values at the start.
pub(super) fn receptors(
    draw: &Drawn,
    named: &[(String, scene::Receptor)],
) -> Result<(Vec<Receptor>, Vec<Vec<f64>>), NetworkError> {
    let all = named.iter().map(|named| receptor(draw, named));
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
}

/// A leaky integrate-and-fire population.
pub(super) fn lif(m: &scene::Lif, dt: f64, draw: &Drawn) -> Result<Iaf, NetworkError> {
    let p = |name: &str, k: usize| draw.of(name, k);
    let (tau_m, tau_syn) = (membrane(draw), draw.get("tau_syn"));
    let (receptors, init) = receptors(draw, &m.receptors())?;
    if tau_syn.len() > 1 && receptors.len() > 1 {
        let why = "but with several receptors their time constants are shared by all neurons";
        return Err(draw.refused("tau_syn", 0, tau_syn[0], why));
    }
    let nonlinear = receptors.iter().any(|r| r.e_rev.is_some());
    let rest = reference(draw.get("e_l"), nonlinear);
    let cells: Vec<Cell> = (0..draw.count())
        .map(|k| {
            let (c_m, tau_m, rest) = (p("c_m", k), at(&tau_m, k), at(&rest, k));
            let g_l = c_m / tau_m;
            let (fall_m, p20) = if nonlinear {
                (dt / c_m, g_l)
            } else {
                (fall(dt, tau_m), -fall(dt, tau_m) * tau_m / c_m)
            };
            let propagators = |r: &Receptor| r.response.propagators(dt, tau_m, c_m);
            Cell {
                fall_m,
                p20,
                // Where all neurons measure from one potential, the leak towards their own is a current.
                i_e: p("i_e", k) + g_l * (p("e_l", k) - rest),
                v_th: p("v_th", k) - rest,
                v_reset: p("v_reset", k) - rest,
                t_ref: (p("t_ref", k) / dt).round(),
                delta_th: p("delta_th", k),
                fall_rel: fall(dt, p("tau_rel", k)),
                // Without `v_init` a neuron starts at rest.
                v_init: draw.find("v_init").map_or(p("e_l", k), |v| at(v, k)) - rest,
                receptors: receptors.iter().map(propagators).collect(),
                ..Cell::plain()
            }
        })
        .collect();
    below_threshold(draw, cells.iter().map(|c| (c.v_reset, c.v_th)))?;
    let subtract = m.reset == Reset::Subtract;
    Ok(Iaf { cells, e_l: rest, receptors, init, dt, nonlinear, adex: false, subtract })
}

/// An adaptive exponential population.
pub(super) fn adex(m: &scene::Adex, dt: f64, draw: &Drawn) -> Result<Iaf, NetworkError> {
    let value = |name: &str, k: usize| draw.of(name, k);
    let (receptors, init) = receptors(draw, &m.receptors)?;
    let rest = reference(draw.get("e_l"), true);
    let cells: Vec<Cell> = (0..draw.count())
        .map(|k| {
            let (rest, g_l) = (at(&rest, k), value("g_l", k));
            Cell {
                fall_m: dt / value("c_m", k),
                p20: g_l,
                i_e: value("i_e", k) + g_l * (value("e_l", k) - rest),
                v_th: value("v_peak", k) - rest,
                v_reset: value("v_reset", k) - rest,
                t_ref: (value("t_ref", k) / dt).round(),
                delta_t: value("delta_t", k),
                v_t: value("v_th", k) - rest,
                a: value("a", k),
                b: value("b", k),
                fall_w: fall(dt, value("tau_w", k)),
                v_init: value("v_init", k) - rest,
                receptors: vec![[0.0; 2]; receptors.len()],
                ..Cell::plain()
            }
        })
        .collect();
    below_threshold(draw, cells.iter().map(|c| (c.v_reset, c.v_th)))?;
    Ok(Iaf { cells, e_l: rest, receptors, init, dt, nonlinear: true, adex: true, subtract: false })
}

/// A population of Izhikevich's neurons.
pub(super) fn izhikevich(
    m: &scene::Izhikevich,
    dt: f64,
    draw: &Drawn,
) -> Result<Izhikevich, NetworkError> {
    let value = |name: &str, k: usize| draw.of(name, k);
    let (receptors, init) = receptors(draw, &m.receptors)?;
    let cells: Vec<izhikevich::Cell> = (0..draw.count())
        .map(|k| izhikevich::Cell {
            rate: value("a", k) * dt,
            b: value("b", k),
            c: value("c", k),
            d: value("d", k),
            i_e: value("i_e", k),
            v_th: value("v_th", k),
            v_init: value("v_init", k),
        })
        .collect();
    if let Some(neuron) = cells.iter().position(|cell| cell.c >= cell.v_th) {
        let why = "but the potential after a spike must lie below that of a spike";
        return Err(draw.refused("c", neuron, cells[neuron].c, why));
    }
    let half_steps = m.method == scene::Method::HalfSteps;
    Ok(Izhikevich { cells, dt, half_steps, receptors, init })
}

/// A membrane with channels.
pub(super) fn hh(m: &scene::Hh, dt: f64, draw: &Drawn) -> Result<Membrane, NetworkError> {
    let p = |name: &str, k: usize| draw.of(name, k);
    let strength = |channel: &str, field: &str, k: usize| {
        draw.find(&format!("channels.{channel}.{field}")).map_or(0.0, |values| at(values, k))
    };
    let (receptors, init) = receptors(draw, &m.receptors)?;
    let cells = (0..draw.count())
        .map(|k| channels_model::Cell {
            c_m: p("c_m", k),
            i_e: p("i_e", k),
            v_th: p("v_th", k),
            t_ref: (p("t_ref", k) / dt).round(),
            v_init: p("v_init", k),
            channels: (m.channels.iter())
                .map(|(name, _)| [strength(name, "g", k), strength(name, "e_rev", k)])
                .collect(),
        })
        .collect();
    let pool = m.calcium.as_ref().map(|calcium| Pool {
        // 1 pA is 1e-12 C/s; 2 F C bring one mole of calcium; 1 µm³ is 1e-15 l; mM per ms.
        gamma: calcium.gamma.unwrap_or_else(|| {
            let volume = calcium.area.unwrap_or(1.0) * calcium.depth.get() * 1e-15;
            1e-12 / (2.0 * FARADAY * volume)
        }),
        tau: calcium.tau.get(),
        rest: calcium.rest.get(),
        outside: calcium.outside.get(),
        thermal: 1e3 * GAS * (calcium.celsius + 273.15) / (2.0 * FARADAY),
    });
    let channels = m.channels.iter().map(|(name, kind)| channels::channel(name, kind)).collect();
    let ions = m.ions.as_ref().map(|i| Ions {
        gamma: i.gamma,
        beta: i.beta,
        inside: i.inside,
        sodium_outside: i.sodium_outside,
        sodium_rest: i.sodium_rest,
        rho: i.rho,
        glia: i.glia,
        epsilon: i.epsilon,
        bath: i.k_bath,
        thermal: i.thermal,
        potassium_init: i.potassium_init,
        sodium_init: i.sodium_init,
    });
    Ok(Membrane { dt, cells, channels, pool, ions, receptors, init })
}

/// A readout in a simulation: a leaky integrator whose threshold nothing reaches.
pub(super) fn readout(m: &scene::Readout, dt: f64, draw: &Drawn) -> Result<Iaf, NetworkError> {
    let lif = scene::Lif {
        c_m: m.c_m.clone(),
        tau_m: m.tau_m.clone(),
        g_l: m.g_l.clone(),
        e_l: m.e_l.clone(),
        v_reset: Param::value(-1e9),
        v_th: Param::value(1e9),
        t_ref: Param::value(0.0),
        tau_syn: m.tau_syn.clone(),
        i_e: m.i_e.clone(),
        ..scene::Lif::default()
    };
    self::lif(&lif, dt, draw)
}

/// Potentials from which the neurons are measured: their own rest, or where they share reversal
/// potentials that of the first.
fn reference(e_l: &[f64], shared: bool) -> Vec<f64> {
    if shared { vec![e_l[0]] } else { e_l.to_vec() }
}
