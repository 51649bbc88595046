//! Launches by which gradients go back, from readouts to what sources send.

use super::*;
use crate::synapse::{PANEL, dense_values, sparse_backward, transpose};

impl Tapes<'_> {
    pub(super) fn transposed_weights(&self, stages: &mut Vec<Stage>) {
        let mut launches = Vec::new();
        for (index, projection) in self.network.projections.iter().enumerate() {
            let Tiles::Dense { sources, tiles, .. } = &self.layout.ports.weights[index] else {
                continue;
            };
            for (&transposed, &(weights, _, width)) in
                self.layout.transposed[index].iter().zip(tiles)
            {
                let p = transpose::TransposeParams::<f64> {
                    sources: *sources as u32,
                    width: width as u32,
                };
                let split = Split::PanelRows { rows: width, width: *sources };
                launches.push(Launch {
                    kernel: &transpose::KERNEL,
                    label: projection.name.clone(),
                    params: p.words(),
                    args: vec![whole(weights), cut(transposed, split)],
                    units: Units::Count { count: sources.div_ceil(PANEL) * width, grain: 64 },
                    invocations: (sources * width) as u64,
                    per_step: false,
                    every: 1,
                });
            }
        }
        stages.push(Stage::Whole(launches));
    }

    /// Launches of what is adjoint to operations of one kind.
    pub(super) fn backward(
        &mut self,
        ops: &[Op],
        launches: &mut Vec<Launch>,
    ) -> Result<(), PlanError> {
        for op in ops {
            match *op {
                Op::Judge(k) => self.spread(k, launches),
                Op::Modulate(m) => self.concentration_back(m, launches),
                Op::Deliver(p) if self.needs_values_back(p) => {
                    self.deliver_back(p, launches);
                    self.drop_back(p, launches);
                    launches.extend(self.delay_back(p));
                    launches.extend(self.release_back(p));
                    self.attend_back(p, launches);
                }
                Op::Integrate(k) if self.layout.pops[k].active => {
                    let framed = self.layout.framed[k].as_ref();
                    launches.extend(framed.map(|framed| self.window_back(k, framed)));
                    self.gains_back(k, launches);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gradients by the arrivals of a projection become gradients by the spikes of its source.
    pub(super) fn deliver_back(&mut self, index: usize, launches: &mut Vec<Launch>) {
        let projection = &self.network.projections[index];
        let (from, to) = (self.layout.pops[projection.from], self.layout.pops[projection.to]);
        let steps = self.layout.steps;
        let (cotangent, filled) = self.cotangent_of(index);
        let mut accumulate = u32::from(filled);
        if let Some(launch) = self.deliver_late_back(index, accumulate, cotangent) {
            launches.push(launch);
            return;
        }
        match &self.layout.ports.weights[index] {
            Tiles::Dense { tiles, .. } => {
                for (&transposed, &(_, first, width)) in
                    self.layout.transposed[index].iter().zip(tiles)
                {
                    let p = dense_values::DenseValuesParams::<f64> {
                        sources: width as u32,
                        source_first: (projection.receptor * to.n + first) as u32,
                        source_stride: to.width as u32,
                        source_rows: steps as u32,
                        shift: projection.delay as u32,
                        targets: from.n as u32,
                        first: 0,
                        width: from.n as u32,
                        rows: steps as u32,
                        accumulate,
                    };
                    accumulate = 1;
                    let args = vec![self.tape(&to), whole(transposed), cotangent];
                    let kernel = &dense_values::KERNEL;
                    let launch = self.by_sample(kernel, &projection.name, p.words(), args, from.n);
                    launches.push(Launch { per_step: true, ..launch });
                }
            }
            Tiles::Convolution { .. } => {
                launches.extend(self.convolve_back(index, accumulate, cotangent));
            }
            Tiles::Sparse { array: weights, .. } => {
                let lists = self.lists(index);
                let p = sparse_backward::SparseBackwardParams::<f64> {
                    sources: from.n as u32,
                    stride: to.width as u32,
                    first: (projection.receptor * to.n) as u32,
                    steps: steps as u32,
                    delay: projection.delay as u32,
                    drawn: u32::from(lists.delays.is_some()),
                    accumulate,
                };
                let args = vec![
                    self.tape(&to),
                    whole(lists.out_start),
                    whole(lists.target),
                    whole(lists.synapse),
                    whole(*weights),
                    whole(lists.delays.unwrap_or(self.layout.arrays.unused.words)),
                    cotangent,
                ];
                let kernel = &sparse_backward::KERNEL;
                let launch = self.by_sample(kernel, &projection.name, p.words(), args, from.n);
                launches.push(Launch { per_step: true, ..launch });
            }
        }
    }
}
