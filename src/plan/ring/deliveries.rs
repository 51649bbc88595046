//! How spikes reach their targets in a simulation: the table of synapses that do not change, and the launches by it.

use super::*;
use crate::network::{Projection, Synapses};
use crate::synapse::{list_spikes, procedural, scatter};

/// The table that neurons pull from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pulled {
    pub start: Words,
    pub port: Words,
    pub weight: Words,
    /// Whether all synapses of a source and tile share a weight.
    pub shared: bool,
}

/// How a synapse's first word says where its spikes go.
#[derive(Debug, Clone, Copy)]
pub(super) struct SynapsePorts {
    /// Whether it is half a word: the place in its tile with the delay above it. Else the tile is between them.
    pub narrow: bool,
    /// Bits below the delay.
    pub bits: u32,
    /// Delay that is told as 0.
    pub least: u32,
}

impl SynapsePorts {
    /// First words as an array has them.
    fn packed(self, ports: &[u32]) -> Vec<u32> {
        if !self.narrow {
            return ports.to_vec();
        }
        let both = |pair: &[u32]| pair[0] | pair.get(1).map_or(0, |second| second << 16);
        ports.chunks(2).map(both).collect()
    }
}

/// Synapses by source and tile.
pub(super) struct Table {
    start: Vec<u64>,
    port: Vec<u32>,
    /// Weight of each synapse, unless `shared` has one for each source and tile.
    weight: Vec<u32>,
    shared: Option<Vec<u32>>,
}

impl Table {
    pub(super) fn out_degree(&self, tiles: usize) -> Vec<u32> {
        let ends = self.start.iter().step_by(tiles);
        ends.clone().zip(ends.skip(1)).map(|(a, b)| (b - a) as u32).collect()
    }
}

impl Rings<'_> {
    /// The list of spikes, and what they do where synapses do not change.
    pub(super) fn deliveries(&mut self, table: &Table, launches: &mut Vec<Launch>) {
        let sources = 32 * self.ports.row;
        let fired = self.fired;
        let drawn = |p: &&Projection| matches!(p.synapses, Synapses::Procedural { .. });
        let drawn: Vec<&Projection> = self.network.projections.iter().filter(drawn).collect();
        let live = self.network.projections.iter().any(Projection::is_live);
        let scattered = !table.port.is_empty() && self.pulled.is_none();
        if !scattered && drawn.is_empty() && !live {
            return;
        }
        let (lists, list) = (self.history as u32, self.list_len() as u32);
        let row = self.ports.row as u32;
        let history = self.history_rows() as u32;
        let params = list_spikes::ListSpikesParams::<f64> { row, history, slots: lists };
        let len = self.arrays[fired].len;
        let args = vec![whole(self.ports.spikes), each(fired, len)];
        let kernel = &list_spikes::KERNEL;
        let size = (Units::Count { count: 1, grain: 1 }, kernel.workgroup as usize);
        launches.push(self.launch(kernel, "spikes", params.words(), args, size));

        for p in drawn {
            let Synapses::Procedural { degree, weight, skip, stream } = p.synapses else {
                continue;
            };
            let targets = self.network.populations[p.to].size;
            let first = 32 * self.ports.first_word[p.from];
            let sources = self.network.populations[p.from].size;
            for degrees in &mut self.ports.out_degree[first..first + sources] {
                *degrees += degree;
            }
            let params = procedural::ProceduralParams::<f64> {
                lists,
                list,
                first: first as u32,
                sources: sources as u32,
                targets: targets as u32,
                degree,
                weight: self.fixed(p.to, p.receptor, weight),
                delay: p.delay as u32,
                receptor: p.receptor as u32,
                skip: u32::from(skip),
                tile: self.ring.tile as u32,
                first_tile: self.first_tile[p.to] as u32,
                slots: self.ring.slots as u32,
                stride: self.ring.stride as u32,
                stream,
            };
            let args = vec![whole(fired), self.ring_of(p.to)];
            // Each piece draws all targets, so few pieces are best.
            let count = targets.div_ceil(self.ring.tile);
            let grain =
                count.div_ceil(if self.network.neurons() as usize <= ALONE { 1 } else { 2 });
            let size = (
                Units::Count { count, grain },
                scatter::groups(sources, degree as usize) * procedural::KERNEL.workgroup as usize,
            );
            launches.push(self.launch(&procedural::KERNEL, &p.name, params.words(), args, size));
        }

        let tiles = self.ring.tiles;
        let most = (self.options.max_table / 4) as usize;
        let mut first = 0;
        let mut part = 0;
        while first < sources && scattered {
            // As many sources as fit, at least one.
            let begin = table.start[first * tiles] as usize;
            let fits = |source: usize| {
                let synapses = table.start[source * tiles] as usize - begin;
                synapses <= most && (source - first) * tiles < most
            };
            let mut last = first + 1;
            while last < sources && fits(last + 1) {
                last += 1;
            }
            let end = table.start[last * tiles] as usize;
            let start = &table.start[first * tiles..=last * tiles];
            if end > begin {
                let start = start.iter().map(|s| (s - begin as u64) as u32).collect();
                let start = self.arrays.words(format!("synapses.{part}.start"), start);
                let ports = self.synapse_ports.packed(&table.port[begin..end]);
                let port = self.arrays.words(format!("synapses.{part}.port"), ports);
                let weights = match &table.shared {
                    Some(shared) => &shared[first * tiles..last * tiles],
                    None => &table.weight[begin..end],
                };
                let weight = self.arrays.words(format!("synapses.{part}.weight"), weights.to_vec());
                self.tables.extend([start, port, weight]);
                let params = scatter::ScatterParams::<f64> {
                    lists,
                    list,
                    first: first as u32,
                    sources: (last - first) as u32,
                    tiles: tiles as u32,
                    slots: self.ring.slots as u32,
                    places: self.ring.places() as u32,
                    port_bits: self.synapse_ports.bits,
                    least: self.synapse_ports.least,
                    shared: u32::from(table.shared.is_some()),
                    narrow: u32::from(self.synapse_ports.narrow),
                };
                let stride = self.ring.tile_len();
                let ring = each(self.ring_array, stride);
                let args = vec![whole(fired), whole(start), whole(port), whole(weight), ring];
                let grain = if table.port.len() <= 1 << 20 { tiles } else { 1 };
                let groups = scatter::groups(last - first, (end - begin) / (last - first));
                let size = (
                    Units::Count { count: tiles, grain },
                    groups * scatter::KERNEL.workgroup as usize,
                );
                let label = format!("synapses.{part}");
                launches.push(self.launch(&scatter::KERNEL, &label, params.words(), args, size));
                part += 1;
            }
            first = last;
        }
    }

    /// Synapses of the table.
    fn stored(&self) -> usize {
        let stored = self.network.projections.iter().filter(|p| !p.is_live());
        stored.map(|p| p.synapses.weights().len()).sum()
    }

    /// Whether neurons pull what they get from the table: if tiles are workgroups and it is one piece. Threads are too few to
    /// look for spikes each on its own: where tiles are theirs one list is made for all.
    pub(super) fn pulls(&self) -> bool {
        let most = (self.options.max_table / 4) as usize;
        let longest = (32 * self.ports.row * self.ring.tiles + 1).max(self.stored());
        self.options.workgroups && self.stored() > 0 && longest <= most
    }

    /// First words of synapses as short as they may be. Where they are half words their readers have to know the tile, as
    /// threads do, for which the memory that a spike reads is what takes time; so they are where tiles are for threads.
    pub(super) fn synapse_ports(&self) -> SynapsePorts {
        let stored = self.network.projections.iter().filter(|p| !p.is_live());
        let stored = stored.filter(|p| !p.synapses.weights().is_empty());
        let least = stored.clone().map(|p| p.delay).min().unwrap_or_default();
        let range = stored.map(Projection::max_delay).max().unwrap_or_default() - least;
        let bits = self.ring.places().trailing_zeros();
        let needed = bits + usize::BITS - range.leading_zeros();
        match needed <= 16 && !self.options.workgroups {
            true => SynapsePorts { narrow: true, bits, least: least as u32 },
            false => SynapsePorts { narrow: false, bits: self.ring.port_bits(), least: 0 },
        }
    }

    /// Has neurons pull what they get from the table.
    pub(super) fn pull(&mut self, table: &Table) {
        if !self.pulls() {
            return;
        }
        let start = table.start.iter().map(|at| *at as u32).collect();
        let weight = table.shared.as_ref().unwrap_or(&table.weight).clone();
        let pulled = Pulled {
            start: self.arrays.words("synapses.start", start),
            port: self.arrays.words("synapses.port", self.synapse_ports.packed(&table.port)),
            weight: self.arrays.words("synapses.weight", weight),
            shared: table.shared.is_some(),
        };
        self.tables.extend([pulled.start, pulled.port, pulled.weight]);
        self.pulled = Some(pulled);
    }

    /// All synapses by source, and for each source by tile.
    pub(super) fn table(&self) -> Table {
        let (tiles, sources) = (self.ring.tiles, 32 * self.ports.row);
        let mut start = vec![0u64; sources * tiles + 1];
        let mut shared = vec![None; sources * tiles];
        let mut alike = true;
        self.each_synapse(|source, tile, _, w| {
            start[source * tiles + tile + 1] += 1;
            alike &= *shared[source * tiles + tile].get_or_insert(w) == w;
        });
        for k in 1..start.len() {
            start[k] += start[k - 1];
        }
        let count = start[sources * tiles] as usize;
        let mut port = vec![0u32; count];
        let mut weight = vec![0u32; if alike { 0 } else { count }];
        let mut next = start.clone();
        self.each_synapse(|source, tile, p, w| {
            let at = &mut next[source * tiles + tile];
            port[*at as usize] = p;
            if !alike {
                weight[*at as usize] = w;
            }
            *at += 1;
        });
        let shared = alike.then(|| shared.into_iter().map(Option::unwrap_or_default).collect());
        Table { start, port, weight, shared }
    }

    /// Every synapse as source, tile, first and second word.
    pub(super) fn each_synapse(&self, mut found: impl FnMut(usize, usize, u32, u32)) {
        let (ring, ports) = (self.ring, self.synapse_ports);
        for p in self.network.projections.iter().filter(|p| !p.is_live()) {
            let first_source = 32 * self.ports.first_word[p.from];
            let first_tile = self.first_tile[p.to];
            let targets = self.network.populations[p.to].size;
            let port = |target: usize, delay: usize| {
                let tile = first_tile + target / ring.tile;
                let place = p.receptor * ring.tile + target % ring.tile;
                let place = if ports.narrow { place } else { tile * ring.places() + place };
                (tile, (delay as u32 - ports.least) << ports.bits | place as u32)
            };
            match &p.synapses {
                Synapses::Dense { weights } => {
                    for (k, w) in weights.iter().enumerate() {
                        let (source, target) = (k / targets, k % targets);
                        let (tile, word) = port(target, p.delay);
                        found(first_source + source, tile, word, self.fixed(p.to, p.receptor, *w));
                    }
                }
                Synapses::Procedural { .. } => {}
                Synapses::Convolution { .. } => {
                    unreachable!("a simulation has every synapse whose weight does not change")
                }
                Synapses::Sparse { start, source, weights, .. } => {
                    for target in 0..targets {
                        for k in start[target] as usize..start[target + 1] as usize {
                            let (tile, word) = port(target, p.delay_of(k));
                            let w = self.fixed(p.to, p.receptor, weights[k]);
                            found(first_source + source[k] as usize, tile, word, w);
                        }
                    }
                }
            }
        }
    }
}
