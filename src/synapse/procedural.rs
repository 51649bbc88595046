//! Delivery through synapses that are nowhere stored: the targets of a source are drawn anew from the
//! counter-based random numbers whenever it spikes.
//!
//! ```text
//!   for each source i that spiked in step k, for j in 0..degree:
//!     ring[target(i, j), (k + delay) mod slots, receptor] += weight
//!   target(i, j) = floor(u_ij n / 2^32), u_ij word j of the stream of i; past the source itself without
//!   autapses
//! ```
//! A projection thus takes no memory, whatever its size; multapses are possible. The bias of the
//! integer product is below n / 2^32.

use crate::kernel::*;
use crate::params;
use crate::rng::philox_lanes;

params! {
    /// `Params` of `shaders/synapse/procedural.wgsl`.
    pub struct ProceduralParams {
        /// Steps of the ring of lists, a power of two.
        lists: word,
        /// Numbers of a list.
        list: word,
        /// Place of the first source in the row of spikes.
        first: word,
        /// Sources.
        sources: word,
        /// Targets.
        targets: word,
        /// Synapses of each source.
        degree: word,
        /// Weight in units of the ring, as i32.
        weight: word,
        /// Steps from spike to arrival.
        delay: word,
        /// Receptor of the target.
        receptor: word,
        /// 1 if a source does not connect to itself.
        skip: word,
        /// Neurons of a tile of the ring.
        tile: word,
        /// First tile of the targets.
        first_tile: word,
        /// Slots of the ring, a power of two.
        slots: word,
        /// Receptors for which the ring has room.
        stride: word,
        /// Stream of random numbers.
        stream: word,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/procedural",
    wgsl: include_str!("../../shaders/synapse/procedural.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("fired"), // [1 + sources of all populations]
        sums("ring"),   // [tiles, slots, receptors, tile] as i32
    ],
    layouts: &[],
    params: ProceduralParams::<f32>::FIELDS,
    twin32: dispatched::<Procedural, f32>,
    twin64: scalar::<Procedural, f64>,
};

/// Targets of a source in the order of its synapses.
#[inline(always)]
pub fn for_each_target(
    key: [u32; 2],
    source: u32,
    (targets, degree, skip): (u32, u32, bool),
    mut found: impl FnMut(u32),
) {
    let choices = targets - u32::from(skip);
    for first in (0..degree).step_by(64) {
        let words = philox_lanes(first / 4, [source, 0, 0], key);
        for word in &words[..(degree - first).min(64) as usize] {
            let target = ((u64::from(*word) * u64::from(choices)) >> 32) as u32;
            found(target + u32::from(skip && target >= source));
        }
    }
}

/// The key of a stream under a seed.
#[inline(always)]
pub fn key(seed: u64, stream: u32) -> [u32; 2] {
    [seed as u32, (seed >> 32) as u32 ^ stream]
}

/// The twin of `shaders/synapse/procedural.wgsl`; units are tiles. A piece that is not all tiles draws all
/// targets and keeps its own.
pub struct Procedural;

impl Twin for Procedural {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ProceduralParams::<F>::of(call.params);
        let [fired, ring] = Call::take(call.args);
        let (fired, ring) = (fired.words(), ring.words_mut());
        let (tile, slots, stride) = (p.tile as usize, p.slots as usize, p.stride as usize);
        let now = call.clock.step + u64::from(call.span.t0);
        let slot = (now + u64::from(p.delay)) as usize & (slots - 1);
        let (first, end) = (call.units.start * tile, call.units.end * tile);
        let key = key(call.clock.seed, p.stream);
        let list =
            &fired[(now as usize & (p.lists as usize - 1)) * p.list as usize..][..p.list as usize];
        for &source in &list[1..=list[0] as usize] {
            let source = source.wrapping_sub(p.first);
            if source >= p.sources {
                continue;
            }
            for_each_target(key, source, (p.targets, p.degree, p.skip == 1), |target| {
                let target = target as usize;
                if (first..end).contains(&target) {
                    let local = target - first;
                    let row = (local / tile * slots + slot) * stride + p.receptor as usize;
                    let at = row * tile + local % tile;
                    ring[at] = ring[at].wrapping_add(p.weight);
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_uniform_and_never_the_source_itself() {
        let (targets, degree) = (50u32, 203u32);
        let mut count = [0f64; 50];
        for source in 0..targets {
            let mut found = 0;
            for_each_target([7, 9], source, (targets, degree, true), |target| {
                assert!(target < targets && target != source);
                count[target as usize] += 1.0;
                found += 1;
            });
            assert_eq!(found, degree);
        }
        let mean = f64::from(degree);
        let chi2: f64 = count.iter().map(|c| (c - mean).powi(2) / mean).sum();
        assert!((chi2 - 49.0).abs() < 5.0 * 98f64.sqrt(), "{chi2}");
    }
}
