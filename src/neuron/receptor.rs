//! Receptors: how spikes that arrive become a current or a conductance. Shared by all neuron kernels;
//! `shaders/lib/receptor.wgsl` is the same for shaders.
//!
//! ```text
//!   Delta         v jumps by w at the end of the step of arrival
//!   Pulse         g = w during the step of arrival, else 0
//!   Exp           dg/dt = -g / tau                            + w at each arrival
//!   Alpha         g = w (t / tau) e^(1 - t / tau)             peak w, at tau
//!   DoubleExp     g = w N (e^(-t / tau_decay) - e^(-t / tau_rise))    peak w
//! ```
//! Exp, Alpha and DoubleExp are linear, so one step is exact: x += fall_rise · x + kick · arrivals and
//! g += fall · g + cross · x, with x only for the last two and falls as in [`crate::slow`]. What g does is up to `e_rev`: without it
//! g is a current in pA, with it a conductance in nS that drives a current g B(v) (e_rev - v). B is 1,
//! or for NMDA the block by magnesium, 1 / (1 + \[Mg\] / 3.57 mM · e^(-0.062 v / mV)) (Jahr & Stevens 1990).
//!
//! What kernels know of a receptor is in the array `receptor`, for all neurons. Where neurons differ in time constants or
//! reversal potentials each has these numbers behind its own in the array `cell`, as many and in the same order, and of
//! the array `receptor` only what sort of receptor it is (`kind`, `conductance`) and the block count. Gradients by
//! numbers lie in the order of `cell` in either case.
//!
//! Gradients by the numbers of a receptor, a bar for the derivative of the loss: kick_bar = arrivals times that by what
//! jumps, fall_bar = g g_bar, cross_bar = x g_bar and fall_rise_bar = x x_bar, with g and x before a step and bars after
//! it; e_rev_bar = g B pull_bar, where pull is the sum of all g B e_rev; and, since the potential only enters as
//! block e^(-0.062 v), block_bar = v_bar / (-0.062 block), with the v_bar of B.
//!
//! The file is long with the words of a scene, the numbers that kernels read, and the twin, which are three sides of one list.

use super::frame::Back;
use super::model::{Drawn, Refused, at};
use super::stepped::BLOCK;
use crate::declare;
use crate::grammar::{Mm, Ms, Mv, Named, Param, Quantity, Rule, Strength};
use crate::kernel::{Real, Simd};
use crate::numbers;
use crate::slow::{self, fall};
use crate::vector::{Vector, Width};
use arrayvec::ArrayVec;
use glam::{DMat3, DVec3};

// ---- the words of a scene --------------------------------------------------------------------------

declare! {
    /// How spikes that arrive become a current or a conductance. With `e_rev` a receptor is a conductance, and
    /// weights are in nS; without it is a current, in pA. The weight is the peak, whatever the time course. A
    /// conductance is never negative: weights are magnitudes, and whether they inhibit is in `e_rev`; of a `Normal`
    /// what is below 0 is drawn again. Only the `init` of a `Normal` may be below 0, as in published networks,
    /// whose activity it sets off. Each neuron may have time constants and a reversal potential of its own.
    pub enum Receptor {
        /// The potential jumps by the weight \[mV\].
        Delta {};
        /// A current of one step.
        Pulse {};
        /// Exponential decay from the weight.
        Exp {
            /// Time constant \[ms\].
            tau: Param<Ms> [Positive];
            /// Reversal potential \[mV\].
            e_rev: Option<Param<Mv>>;
            /// Value at the start.
            init: Param<Strength> = 0.0;
        };
        /// `t / tau e^(1 - t / tau)`; its peak is the weight.
        Alpha {
            /// Time constant \[ms\].
            tau: Param<Ms> [Positive];
            /// Reversal potential \[mV\].
            e_rev: Option<Param<Mv>>;
        };
        /// Difference of two exponentials; its peak is the weight.
        DoubleExp {
            /// Time constant of the rise \[ms\].
            tau_rise: Param<Ms> [Positive];
            /// Time constant of the decay \[ms\].
            tau_decay: Param<Ms> [Positive];
            /// Reversal potential \[mV\].
            e_rev: Option<Param<Mv>>;
        };
        /// Fast glutamate receptor.
        Ampa {
            /// Time constant \[ms\].
            tau: Param<Ms> [Positive] = 2.0;
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = 0.0;
        };
        /// Slow glutamate receptor, blocked by magnesium at rest (Jahr & Stevens 1990).
        Nmda {
            /// Time constant of the rise \[ms\].
            tau_rise: Param<Ms> [Positive] = 2.0;
            /// Time constant of the decay \[ms\].
            tau_decay: Param<Ms> [Positive] = 100.0;
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = 0.0;
            /// Concentration of magnesium \[mM\].
            mg: Quantity<Mm> [NotNegative] = 1.0;
        };
        /// Fast inhibition.
        GabaA {
            /// Time constant \[ms\].
            tau: Param<Ms> [Positive] = 10.0;
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = -80.0;
        };
        /// Slow inhibition.
        GabaB {
            /// Time constant of the rise \[ms\].
            tau_rise: Param<Ms> [Positive] = 60.0;
            /// Time constant of the decay \[ms\].
            tau_decay: Param<Ms> [Positive] = 200.0;
            /// Reversal potential \[mV\].
            e_rev: Param<Mv> = -95.0;
        };
    }
}

impl Receptor {
    /// Whether it is a conductance rather than a current.
    pub fn is_conductance(&self) -> bool {
        self.reversal().is_some()
    }

    /// Its reversal potential, if it is a conductance.
    pub fn reversal(&self) -> Option<&Param<Mv>> {
        match self {
            Self::Delta {} | Self::Pulse {} => None,
            Self::Exp { e_rev, .. } | Self::Alpha { e_rev, .. } | Self::DoubleExp { e_rev, .. } => {
                e_rev.as_ref()
            }
            Self::Ampa { e_rev, .. }
            | Self::Nmda { e_rev, .. }
            | Self::GabaA { e_rev, .. }
            | Self::GabaB { e_rev, .. } => Some(e_rev),
        }
    }
}

/// Receptors of a model that names none: excitatory and inhibitory conductances.
pub fn standard() -> Named<Receptor> {
    let exp = |tau, e_rev| Receptor::Exp {
        tau: Param::value(tau),
        e_rev: Some(Param::value(e_rev)),
        init: Param::value(0.0),
    };
    Named(vec![("ex".to_owned(), exp(0.2, 0.0)), ("in".to_owned(), exp(2.0, -85.0))])
}

/// A receptor as kernels know it, and its values at the start; `path` gives that of its fields within the model.
fn port_of(
    (name, receptor): &(String, Receptor),
    drawn: &Drawn,
    path: &dyn Fn(&str) -> String,
) -> Result<(Port, Vec<f64>), Refused> {
    use Receptor as R;
    let values = |field: &str| drawn.get(&path(field));
    let exp = |tau: &str| values(tau).iter().map(|tau| Response::Exp { tau: *tau }).collect();
    let double = |rise: &str, decay: &str| {
        let (rise, decay) = (values(rise), values(decay));
        let one = |k| Response::DoubleExp { tau_rise: *at(rise, k), tau_decay: *at(decay, k) };
        (0..rise.len().max(decay.len())).map(one).collect()
    };
    let responses = match receptor {
        R::Delta {} => vec![Response::Delta],
        R::Pulse {} => vec![Response::Pulse],
        R::Exp { .. } | R::Ampa { .. } | R::GabaA { .. } => exp("tau"),
        R::Alpha { .. } => double("tau", "tau"),
        R::DoubleExp { .. } | R::Nmda { .. } | R::GabaB { .. } => double("tau_rise", "tau_decay"),
    };
    let e_rev = receptor.is_conductance().then(|| values("e_rev").to_vec());
    let mg = if let R::Nmda { mg, .. } = receptor { mg.get() } else { 0.0 };
    let init = drawn.find(&path("init")).unwrap_or(&[0.0]);
    // Published networks start from normal distributions, and what is below 0 in them sets off their activity.
    let normal = matches!(receptor, R::Exp { init: Param::Normal { .. }, .. });
    if e_rev.is_some()
        && !normal
        && let Some(neuron) = init.iter().position(|x| *x < 0.0)
    {
        let why = Rule::NotNegative.broken(init[neuron]).unwrap_or_default();
        return Err(drawn.refused(&path("init"), neuron, init[neuron], format!("which {why}")));
    }
    Ok((Port { name: name.clone(), responses, e_rev, mg }, init.to_vec()))
}

/// All receptors of a population, and their values at the start.
///
/// # Errors
/// Drawn values do not go together.
pub fn ports(
    named: &[(String, Receptor)],
    drawn: &Drawn,
) -> Result<(Vec<Port>, Vec<Vec<f64>>), Refused> {
    ports_at(named, drawn, |name, field| format!("receptors.{name}.{field}"))
}

/// The same where the fields of receptors stand elsewhere in the model: `path` gives where, by the name of a receptor and
/// the field.
///
/// # Errors
/// Drawn values do not go together.
pub fn ports_at(
    named: &[(String, Receptor)],
    drawn: &Drawn,
    path: impl Fn(&str, &str) -> String,
) -> Result<(Vec<Port>, Vec<Vec<f64>>), Refused> {
    let all = named.iter().map(|named| port_of(named, drawn, &|field| path(&named.0, field)));
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().unzip())
}

// ---- the kernels -----------------------------------------------------------------------------------

numbers! {
    /// What a kernel knows of a receptor.
    pub struct Numbers in port {
        /// How it responds: see [`Response::kind`].
        kind,
        /// Factor of a step on g, less one.
        fall,
        /// What x adds to g in a step.
        cross,
        /// Factor of a step on x, less one.
        fall_rise,
        /// Jump of g or x for a unit of the ring.
        kick,
        /// 1 if g is a conductance.
        conductance,
        /// Reversal potential, from that from which the kernel measures \[mV\].
        e_rev,
        /// Block by magnesium at that potential.
        block,
    }
}

/// Receptors that a population may have.
pub const MOST: usize = 16;

/// Rows of state of a receptor: g and x.
pub const STATE: usize = 2;

/// How a receptor responds, and the order in which kernels number these.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Response {
    /// A jump of the potential \[mV\].
    Delta,
    /// A current of one step.
    Pulse,
    /// Exponential.
    Exp {
        /// Time constant \[ms\].
        tau: f64,
    },
    /// Difference of exponentials; equal time constants make an alpha function.
    DoubleExp {
        /// Time constant of the rise \[ms\].
        tau_rise: f64,
        /// Time constant of the decay \[ms\].
        tau_decay: f64,
    },
}

/// A receptor of a population as its kernel knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Port {
    /// Name in the scene.
    pub name: String,
    /// How it responds, with time constants that all neurons share, or those of each.
    pub responses: Vec<Response>,
    /// Reversal potential \[mV\], likewise; a current receptor has none.
    pub e_rev: Option<Vec<f64>>,
    /// Concentration of magnesium that blocks it \[mM\]; 0 for none.
    pub mg: f64,
}

/// What x = 1 adds to g over `dt`, for `dx/dt = -x / tau_rise`, `dg/dt = -g / tau_decay + x`:
/// (e^(-dt/tau_decay) - e^(-dt/tau_rise)) / (1/tau_rise - 1/tau_decay), in a form that needs no case for
/// equal time constants and in which nothing overflows.
fn second_order(dt: f64, tau_rise: f64, tau_decay: f64) -> f64 {
    let x = (dt / tau_rise - dt / tau_decay).abs();
    let ratio = if x == 0.0 { 1.0 } else { -(-x).exp_m1() / x };
    dt * ratio * (-dt / tau_rise.max(tau_decay)).exp()
}

impl Response {
    /// The step's factors `[fall, cross, fall_rise]`, and the jump of g or x per unit of weight.
    pub fn step(self, dt: f64) -> ([f64; 3], f64) {
        match self {
            Self::Delta | Self::Pulse => ([0.0; 3], 1.0),
            Self::Exp { tau } => ([fall(dt, tau), 0.0, 0.0], 1.0),
            Self::DoubleExp { tau_rise, tau_decay } => {
                let peak = if tau_rise == tau_decay {
                    tau_decay
                } else {
                    (tau_decay / tau_rise).ln() / (1.0 / tau_rise - 1.0 / tau_decay)
                };
                // g at time t after a jump of x by 1.
                let height = second_order(peak, tau_rise, tau_decay);
                let cross = second_order(dt, tau_rise, tau_decay);
                ([fall(dt, tau_decay), cross, fall(dt, tau_rise)], 1.0 / height)
            }
        }
    }

    /// Whether g or x needs a second float.
    fn is_slow(self, dt: f64) -> bool {
        let ([fall, _, fall_rise], _) = self.step(dt);
        slow::is_slow(fall) || slow::is_slow(fall_rise)
    }

    /// Number by which kernels know the response.
    pub fn kind(self) -> f64 {
        match self {
            Self::Delta => 0.0,
            Self::Pulse => 1.0,
            Self::Exp { .. } => 2.0,
            Self::DoubleExp { .. } => 3.0,
        }
    }

    /// Effect on the potential over one step of g and of x at its start, `[mV/pA, mV/pA]`, for a membrane
    /// with time constant `tau_m` and capacitance `c_m`: the exact solution of
    /// `dv/dt = -v / tau_m + g / c_m`.
    pub fn propagators(self, dt: f64, tau_m: f64, c_m: f64) -> [f64; 2] {
        match self {
            Self::Delta => [0.0; 2],
            Self::Pulse => [-(-dt / tau_m).exp_m1() * tau_m / c_m, 0.0],
            Self::Exp { tau } => [second_order(dt, tau, tau_m) / c_m, 0.0],
            Self::DoubleExp { tau_rise, tau_decay } => {
                let by_g = second_order(dt, tau_decay, tau_m) / c_m;
                (by_g, third_order(dt, tau_rise, tau_decay, tau_m) / c_m).into()
            }
        }
    }
}

/// v after `dt` from x = 1, with dx/dt = -x/a, dg/dt = -g/b + x, dv/dt = -v/c + g: the divided
/// difference of e^{-dt s} over the three rates s, taken from the exponential of the 3 × 3 matrix
/// (scaling and squaring of its series), which needs no case for equal rates.
fn third_order(dt: f64, a: f64, b: f64, c: f64) -> f64 {
    let fastest = (dt / a).max(dt / b).max(dt / c).max(dt);
    let squarings = (fastest.log2().ceil() + 5.0).max(0.0) as i32;
    let h = dt / 2f64.powi(squarings);
    let step = DMat3::from_cols(
        DVec3::new(-h / a, h, 0.0),
        DVec3::new(0.0, -h / b, h),
        DVec3::new(0.0, 0.0, -h / c),
    );
    let (mut sum, mut term) = (DMat3::IDENTITY, DMat3::IDENTITY);
    for k in 1..=12 {
        term = term * step * (1.0 / f64::from(k));
        sum += term;
    }
    for _ in 0..squarings {
        sum *= sum;
    }
    sum.x_axis.z
}

impl Port {
    /// How it responds at a neuron.
    pub fn response(&self, neuron: usize) -> Response {
        *at(&self.responses, neuron)
    }

    /// Whether it decays exponentially.
    pub fn is_exponential(&self) -> bool {
        self.responses.iter().all(|response| matches!(response, Response::Exp { .. }))
    }

    /// Whether each neuron has numbers of its own.
    pub fn is_own(&self) -> bool {
        self.responses.len() > 1 || self.e_rev.as_ref().is_some_and(|e_rev| e_rev.len() > 1)
    }

    /// Whether g or x of any neuron needs a second float.
    pub fn is_slow(&self, dt: f64) -> bool {
        self.responses.iter().any(|response| response.is_slow(dt))
    }

    /// The numbers of a neuron; `scale` is the weight of one unit of the ring, `rest` the potential from which kernels
    /// measure.
    pub fn values(&self, neuron: usize, dt: f64, scale: f64, rest: f64) -> [f64; port::COUNT] {
        let response = self.response(neuron);
        let ([fall, cross, fall_rise], jump) = response.step(dt);
        let numbers = Numbers {
            kind: response.kind(),
            fall,
            cross,
            fall_rise,
            kick: jump * scale,
            conductance: f64::from(u8::from(self.e_rev.is_some())),
            e_rev: self.e_rev.as_ref().map_or(0.0, |e_rev| at(e_rev, neuron) - rest),
            // [Mg] / 3.57 mM · e^{-0.062 rest}, so that the kernel may take v from rest.
            block: self.mg / 3.57 * (-0.062 * rest).exp(),
        };
        numbers.numbers()
    }
}

// ---- twin -----------------------------------------------------------------------------------------

/// A receptor as a twin sees it. With `OWN` each neuron has its numbers in `cell`, of which a twin gives the rows that
/// [`Self::own`] finds.
#[derive(Clone, Copy)]
pub struct Given<F, const OWN: bool> {
    kind: u32,
    /// Whether g is a conductance.
    pub conductance: bool,
    block: F,
    /// Those that neurons may have of their own are read by [`Self::number`] alone.
    numbers: [F; port::COUNT],
}

impl<F: Real, const OWN: bool> Given<F, OWN> {
    /// From the array `receptor`.
    #[inline(always)]
    pub fn all(receptor: &[F], count: usize) -> ArrayVec<Self, MOST> {
        let one = |r: &[F]| Self {
            kind: r[port::kind].wide() as u32,
            conductance: r[port::conductance] > F::zero(),
            block: r[port::block],
            numbers: std::array::from_fn(|k| r[k]),
        };
        receptor.chunks_exact(port::COUNT).take(count).map(one).collect()
    }

    /// The rows of numbers of receptor `r` in the part of `cell` that a block has, behind the `fields` of its model; none
    /// where all neurons share them.
    #[inline(always)]
    pub fn own(cell: &[F], fields: usize, r: usize) -> &[F] {
        match OWN {
            true => &cell[(fields + r * port::COUNT) * BLOCK..][..port::COUNT * BLOCK],
            false => &[],
        }
    }

    /// Number `k` of the neurons from `at` on.
    #[inline(always)]
    fn number<S: Simd>(&self, w: Width<S>, own: &[F], k: usize, at: usize) -> Vector<S, F> {
        match OWN {
            true => w.load(&own[k * BLOCK..][..BLOCK], at),
            false => w.splat(self.numbers[k]),
        }
    }

    /// Whether this is a current of one step.
    #[inline(always)]
    pub fn is_pulse(&self) -> bool {
        self.kind == 1
    }

    /// Whether this is an exponential conductance that nothing blocks, the commonest receptor.
    #[inline(always)]
    pub fn is_plain(&self) -> bool {
        self.kind == 2 && self.conductance && self.block <= F::zero()
    }

    /// The same receptor, of which the compiler is to know that [`Self::is_plain`] holds, or the same of a current.
    #[inline(always)]
    pub fn known_plain(self, conductance: bool) -> Self {
        Self { kind: 2, conductance, block: F::zero(), ..self }
    }

    /// Whether x is used.
    #[inline(always)]
    pub fn has_rise(&self) -> bool {
        self.kind == 3
    }

    /// Conductance, and conductance times the distance of the reversal potential from rest, at
    /// potential `v`.
    #[inline(always)]
    pub fn open<S: Simd>(
        &self,
        w: Width<S>,
        (own, at): (&[F], usize),
        g: Vector<S, F>,
        v: Vector<S, F>,
    ) -> [Vector<S, F>; 2] {
        let mut g = g;
        if self.block > F::zero() {
            let one = v.of(1.0);
            g = g / (one + w.splat(self.block) * (v * v.of(-0.062)).exp());
        }
        [g, g * self.e_rev(w, (own, at))]
    }

    /// The receptor over one step: `g` and `x` are rows, `rest` those of their second floats if there are
    /// some, `arrived` what arrives. Delta receptors give back the jump of the potential.
    #[inline(always)]
    pub fn step<S: Simd>(
        &self,
        w: Width<S>,
        (own, at): (&[F], usize),
        [g, x]: [&mut [F]; 2],
        rest: Option<[&mut [F]; 2]>,
        arrived: Vector<S, F>,
    ) -> Option<Vector<S, F>> {
        let number = |k: usize| self.number(w, own, k, at);
        let arriving = number(port::kick) * arrived;
        let [rest_g, rest_x] = match rest {
            Some(rest) => rest.map(Some),
            None => [None, None],
        };
        let before = w.load(g, at);
        match self.kind {
            0 => return Some(arriving),
            1 => w.store(g, at, arriving),
            2 => {
                let change = before.mul_add(number(port::fall), arriving);
                w.store(g, at, slow::advanced(w, before, change, rest_g, at));
            }
            _ => {
                let rising = w.load(x, at);
                let change = before.mul_add(number(port::fall), number(port::cross) * rising);
                w.store(g, at, slow::advanced(w, before, change, rest_g, at));
                let change = rising.mul_add(number(port::fall_rise), arriving);
                w.store(x, at, slow::advanced(w, rising, change, rest_x, at));
            }
        }
        None
    }

    /// Reversal potential, from that from which the kernel measures.
    #[inline(always)]
    pub fn e_rev<S: Simd>(&self, w: Width<S>, (own, at): (&[F], usize)) -> Vector<S, F> {
        self.number(w, own, port::e_rev, at)
    }

    /// Jump of g, x or the potential for a unit of what arrives.
    #[inline(always)]
    pub fn kick<S: Simd>(&self, w: Width<S>, (own, at): (&[F], usize)) -> Vector<S, F> {
        self.number(w, own, port::kick, at)
    }

    /// Adjoint of [`Self::step`]: from the gradients by g and x after it and by the jump of the potential,
    /// those by what arrived and by g and x before.
    #[inline(always)]
    pub fn adjoint<S: Simd>(
        &self,
        w: Width<S>,
        (own, at): (&[F], usize),
        [by_g, by_x]: [Vector<S, F>; 2],
        by_jump: Vector<S, F>,
    ) -> (Vector<S, F>, [Vector<S, F>; 2]) {
        let number = |k: usize| self.number(w, own, k, at);
        let kick = number(port::kick);
        match self.kind {
            0 => (kick * by_jump, [by_g, by_x]),
            1 => (kick * by_g, [by_g.of(0.0), by_x]),
            2 => (kick * by_g, [by_g.mul_add(number(port::fall), by_g), by_x]),
            _ => {
                let before = by_x.mul_add(number(port::fall_rise), by_x);
                let by_rise = by_g.mul_add(number(port::cross), before);
                (kick * by_x, [by_g.mul_add(number(port::fall), by_g), by_rise])
            }
        }
    }

    /// Adds the gradients by the numbers of [`Self::step`], from those by g and x after it and by the jump of the
    /// potential, and from what it read: g, x and what arrived. `first` is the receptor's first number.
    #[inline(always)]
    pub fn add_step_numbers<S: Simd>(
        &self,
        w: Width<S>,
        back: &mut Back<'_, F>,
        first: usize,
        [by_g, by_x, by_jump]: [Vector<S, F>; 3],
        [g, x, arrived]: [Vector<S, F>; 3],
        at: usize,
    ) {
        let by_arriving = match self.kind {
            0 => by_jump,
            1 | 2 => by_g,
            _ => by_x,
        };
        back.add_number(w, first + port::kick, by_arriving * arrived, at);
        if self.kind >= 2 {
            back.add_number(w, first + port::fall, by_g * g, at);
        }
        if self.has_rise() {
            back.add_number(w, first + port::cross, by_g * x, at);
            back.add_number(w, first + port::fall_rise, by_x * x, at);
        }
    }

    /// Adjoint of [`Self::open`]: gradients by g and by the potential, from that by the conductance; and the part of g
    /// that is open.
    #[inline(always)]
    pub fn open_adjoint<S: Simd>(
        &self,
        w: Width<S>,
        g: Vector<S, F>,
        v: Vector<S, F>,
        by_open: Vector<S, F>,
    ) -> [Vector<S, F>; 3] {
        let one = v.of(1.0);
        if self.block <= F::zero() {
            return [by_open, v.of(0.0), one];
        }
        let free = one / (one + w.splat(self.block) * (v * v.of(-0.062)).exp());
        [by_open * free, by_open * g * free * (one - free) * v.of(0.062), free]
    }

    /// Adds the gradients by the numbers of [`Self::open`], which gave the conductance `open`: from that by what it
    /// adds to the pull, and that by the potential, which [`Self::open_adjoint`] gave. `first` is the receptor's first
    /// number.
    #[inline(always)]
    pub fn add_open_numbers<S: Simd>(
        &self,
        w: Width<S>,
        back: &mut Back<'_, F>,
        first: usize,
        open: Vector<S, F>,
        [by_pull, by_potential]: [Vector<S, F>; 2],
        at: usize,
    ) {
        back.add_number(w, first + port::e_rev, by_pull * open, at);
        if self.block > F::zero() {
            let by_block = by_potential / (open.of(-0.062) * w.splat(self.block));
            back.add_number(w, first + port::block, by_block, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed for NEST: peak of the potential after an alpha current, tau_m 10, tau_syn 2, C 250.
    #[test]
    fn alpha_current_lifts_the_potential_as_printed() {
        let dt = 0.1;
        let response = Response::DoubleExp { tau_rise: 2.0, tau_decay: 2.0 };
        let ([fall, cross, fall_rise], jump) = response.step(dt);
        let [by_g, by_x] = response.propagators(dt, 10.0, 250.0);
        let (mut v, mut g, mut x) = (0.0, 0.0, 100.0 * jump);
        let printed = [
            (1, -69.9973794667),
            (2, -69.9898938977),
            (5, -69.9433629508),
            (10, -69.8107583348),
            (20, -69.4680738394),
            (27, -69.2383382737),
        ];
        for step in 1..=27 {
            v = (-dt / 10.0f64).exp() * v + by_g * g + by_x * x;
            g += fall * g + cross * x;
            x += fall_rise * x;
            if let Some((_, value)) = printed.iter().find(|p| p.0 == step) {
                assert!((v - 70.0 - value).abs() <= 1e-9, "step {step}: {} not {value}", v - 70.0);
            }
        }
    }

    #[test]
    fn peak_is_the_weight() {
        for (tau_rise, tau_decay) in [(1.0, 5.0), (2.0, 2.0), (0.5, 100.0), (60.0, 200.0)] {
            let dt = tau_rise / 1000.0;
            let ([fall, cross, fall_rise], jump) =
                Response::DoubleExp { tau_rise, tau_decay }.step(dt);
            let (mut g, mut x, mut peak) = (0.0f64, jump, 0.0f64);
            for _ in 0..2_000_000 {
                g += fall * g + cross * x;
                x += fall_rise * x;
                peak = peak.max(g);
            }
            assert!((peak - 1.0).abs() <= 1e-5, "{tau_rise}, {tau_decay}: {peak}");
        }
    }

    /// Time constants of a thousandth of a step and less, and a billion times one.
    #[test]
    fn propagators_are_finite_for_any_time_constant() {
        let taus = [1e-30, 1e-7, 1e-4, 0.1, 10.0, 1e9, 1e30];
        let all = taus.iter().flat_map(|m| taus.iter().map(move |a| (*m, *a)));
        for (tau_m, a, b) in all.flat_map(|(m, a)| taus.map(|b| (m, a, b))) {
            for response in [
                Response::Pulse,
                Response::Exp { tau: a },
                Response::DoubleExp { tau_rise: a, tau_decay: b },
            ] {
                let by = response.propagators(0.1, tau_m, 250.0);
                // None exceeds what a current of 1 pA without any leak does in a step.
                let most = 0.1 / 250.0 * 0.1f64.max(1.0) * (1.0 + 1e-9);
                assert!(
                    by.iter().all(|x| (0.0..=most).contains(x)),
                    "{response:?}, {tau_m}: {by:?}"
                );
                let (factors, jump) = response.step(0.1);
                let sound = factors.iter().all(|x| (-1.0..=1.0).contains(x)) && jump.is_finite();
                assert!(sound, "{response:?}: {factors:?}, {jump}");
            }
        }
        // The quotient itself, where nothing is lost in it: dv/dt = -v/tau_m + e^(-t/tau), from the slow side.
        let cross = second_order(0.1, 1e-3, 10.0);
        let exact = ((-0.01f64).exp() - (-100f64).exp()) / (1e3 - 0.1);
        assert!((cross / exact - 1.0).abs() <= 1e-14);
        assert_eq!(cross, second_order(0.1, 10.0, 1e-3));
    }

    /// Against the quotient form of the propagator, away from its poles, and continuous at them.
    #[test]
    fn third_order_agrees_with_the_quotients() {
        let (dt, a, b, c) = (0.1f64, 1.5f64, 7.0f64, 20.0f64);
        let e = |tau: f64| (-dt / tau).exp();
        let d = |x: f64, y: f64| 1.0 / (1.0 / x - 1.0 / y);
        // Divided differences of e^{-s dt} over the rates.
        let exact = (d(b, c) * (e(c) - e(b)) - d(a, b) * (e(b) - e(a))) * d(a, c);
        assert!((third_order(dt, a, b, c) / exact - 1.0).abs() <= 1e-11);
        let equal = third_order(dt, 5.0, 5.0, 5.0);
        assert!((equal / (dt * dt / 2.0 * e(5.0)) - 1.0).abs() <= 1e-13);
        let near = third_order(dt, 5.0, 5.0 + 1e-9, 5.0 - 1e-9);
        assert!((near / equal - 1.0).abs() <= 1e-8);
    }
}
