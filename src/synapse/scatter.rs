//! Event-driven delivery: the weights of the sources that spiked are added to the ring of what
//! arrives.
//!
//! ```text
//!   for each source that spiked in step k, for each of its synapses:
//!     ring[tile, (k + delay) mod slots, receptor, neuron] += weight
//! ```
//! The work grows with spikes, not with synapses. A synapse is two words, 8 bytes: its place in its
//! tile (receptor and neuron) with the tile and the delay above it, and its weight in units of the
//! ring. Synapses lie by source, and for each source by tile, so that a tile's owner finds its own.
//! Where all synapses of a source in a tile have the same weight, it is stored once for them; and where place and delay
//! fit half a word two share one, each without the tile, which those who read know. A synapse is then 2 bytes. Sums of integers do not depend on the order of spikes or threads.

use crate::kernel::*;
use crate::params;

params! {
    /// `Params` of `shaders/synapse/scatter.wgsl`.
    pub struct ScatterParams {
        /// Steps of the ring of lists, a power of two.
        lists: word,
        /// Numbers of a list.
        list: word,
        /// First source of this part of the table.
        first: word,
        /// Sources of this part.
        sources: word,
        /// Tiles of the ring.
        tiles: word,
        /// Slots of the ring, a power of two.
        slots: word,
        /// Places of a tile, receptors × neurons, a power of two.
        places: word,
        /// Bits of a synapse's first word below the delay.
        port_bits: word,
        /// Delay that a first word tells as 0.
        least: word,
        /// 0: a weight for each synapse; 1: one for each source and tile.
        shared: option,
        /// 1 if first words are half words.
        narrow: option,
    }
}

/// Table entry.
pub static KERNEL: Kernel = Kernel {
    name: "synapse/scatter",
    wgsl: include_str!("../../shaders/synapse/scatter.wgsl"),
    workgroup: 64,
    merges: false,
    bindings: &[
        words("fired"),  // [lists, 1 + sources of all parts]
        words("start"),  // [sources, tiles] and the end
        words("port"), // [synapses] delay, tile and place; if half words two to a word, without the tile
        words("weight"), // [synapses] or [sources, tiles] as i32, in units of the ring
        sums("ring"),  // [tiles, slots, places] as i32
    ],
    layouts: &[],
    params: ScatterParams::<f32>::FIELDS,
    twin32: dispatched::<Scatter, f32>,
    twin64: scalar::<Scatter, f64>,
};

/// Workgroups of a shader that takes spike after spike, for a list of at most so many spikes of sources with so many
/// synapses. In a step few sources spike, and a workgroup without a spike costs as much as a short row of synapses; but
/// the synapses of one spike alone are shared among as many as they fill.
pub fn groups(spikes: usize, synapses: usize) -> usize {
    const FEW: usize = 32;
    // Synapses that fill a workgroup.
    const SHARE: usize = 512;
    let shares = synapses.div_ceil(SHARE).max(1);
    spikes.div_ceil(8).max((spikes * shares).min(FEW.max(shares))).clamp(1, 1024)
}

/// Synapses by source and tile, to read.
#[derive(Clone, Copy)]
pub struct Segments<'a> {
    /// Where those of each source and tile begin.
    pub start: &'a [u32],
    /// First words.
    pub port: Words<'a>,
    /// Second word of each, or of each source and tile.
    pub weight: &'a [u32],
    /// Tiles.
    pub tiles: usize,
    /// Whether all of a source and tile share a weight.
    pub shared: bool,
}

/// First words of synapses.
#[derive(Clone, Copy)]
pub enum Words<'a> {
    /// Whole words.
    Wide(&'a [u32]),
    /// Half words.
    Narrow(&'a [u16]),
}

impl<'a> Words<'a> {
    /// Those in an array.
    #[inline(always)]
    pub fn of(words: &'a [u32], narrow: u32) -> Self {
        match narrow {
            1 => Self::Narrow(bytemuck::cast_slice(words)),
            _ => Self::Wide(words),
        }
    }
}

/// Synapses of one source on one tile.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    port: Words<'a>,
    /// One for all if it is one.
    weight: &'a [u32],
    shared: bool,
}

impl<'a> Segments<'a> {
    /// Those of a source on a tile.
    #[inline(always)]
    pub fn of(&self, source: usize, tile: usize) -> Segment<'a> {
        let at = source * self.tiles + tile;
        let (begin, end) = (self.start[at] as usize, self.start[at + 1] as usize);
        let weight = if self.shared { at..at + 1 } else { begin..end };
        let port = match self.port {
            Words::Wide(port) => Words::Wide(&port[begin..end]),
            Words::Narrow(port) => Words::Narrow(&port[begin..end]),
        };
        Segment { port, weight: &self.weight[weight], shared: self.shared }
    }
}

/// The ring, from some tile on.
pub struct Sums<'a> {
    /// Sums of what arrives, as i32.
    pub ring: &'a mut [u32],
    /// Slots, a power of two.
    pub slots: usize,
    /// Places of a tile, a power of two.
    pub places: usize,
    /// Bits of a synapse's first word below the delay.
    pub port_bits: u32,
    /// Delay that a first word tells as 0.
    pub least: u32,
}

impl Sums<'_> {
    /// Adds what a spike of step `now` carries to tile number `tile` of these.
    #[inline(always)]
    pub fn add(&mut self, tile: usize, segment: Segment<'_>, now: usize) {
        let now = now.wrapping_add(self.least as usize);
        match segment.port {
            Words::Wide(port) => self.add_each(tile, port.iter().copied(), segment, now),
            Words::Narrow(port) => {
                self.add_each(tile, port.iter().map(|port| u32::from(*port)), segment, now);
            }
        }
    }

    #[inline(always)]
    fn add_each(
        &mut self,
        tile: usize,
        ports: impl Iterator<Item = u32>,
        segment: Segment<'_>,
        now: usize,
    ) {
        let (slots, places, port_bits) = (self.slots, self.places, self.port_bits);
        let ring = &mut self.ring[tile * slots * places..][..slots * places];
        let mut add = |port: u32, weight: u32| {
            let slot = now.wrapping_add((port >> port_bits) as usize) & (slots - 1);
            let at = slot * places + (port as usize & (places - 1));
            ring[at] = ring[at].wrapping_add(weight);
        };
        if segment.shared {
            let weight = segment.weight[0];
            ports.for_each(|port| add(port, weight));
        } else {
            ports.zip(segment.weight).for_each(|(port, w)| add(port, *w));
        }
    }
}

/// The twin of `shaders/synapse/scatter.wgsl`; units are tiles.
pub struct Scatter;

impl Twin for Scatter {
    #[inline(always)]
    fn run<S: Simd, F: Real>(_: S, call: Call<'_, F>) {
        let p = ScatterParams::<F>::of(call.params);
        let [fired, start, port, weight, ring] = Call::take(call.args);
        let segments = Segments {
            start: start.words(),
            port: Words::of(port.words(), p.narrow),
            weight: weight.words(),
            tiles: p.tiles as usize,
            shared: p.shared == 1,
        };
        let mut sums = Sums {
            ring: ring.words_mut(),
            slots: p.slots as usize,
            places: p.places as usize,
            port_bits: p.port_bits,
            least: p.least,
        };
        let now = (call.clock.step + u64::from(call.span.t0)) as usize;
        let first = (now & (p.lists as usize - 1)) * p.list as usize;
        let list = &fired.words()[first..][..p.list as usize];
        for &source in &list[1..=list[0] as usize] {
            // Sources of other parts are beyond the end, or before the start and wrap around.
            let source = source.wrapping_sub(p.first);
            if source >= p.sources {
                continue;
            }
            for tile in call.units.clone() {
                sums.add(tile - call.units.start, segments.of(source as usize, tile), now);
            }
        }
    }
}
