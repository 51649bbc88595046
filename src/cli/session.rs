//! A run that has begun: training, what is told of it, and its results.

use super::folder::{BEST, Folder, PREDICTIONS, SCORES, SUMMARY};
use super::metrics::Lines;
use super::prepare::ENDS;
use super::progress::Progress;
use super::stop::Stop;
use super::terminal::print;
use super::{FileFault, Interrupted, experiment, fault, pictures, predict, samples};
use crate::checkpoint::{Checkpoint, Origin, Store};
use crate::data::streams;
use crate::engine::{Device, KernelTime};
use crate::files::write::Draft;
use crate::files::{self, Values};
use crate::network::{self, Network};
use crate::plan::Plan;
use crate::report::{self, Report};
use crate::run::{Event, Outcome};
use crate::scene::{Data, Scene};
use crate::simulation;
use crate::summary::{self, Summary};
use crate::train::{Learner, Predictions, Samples, Set, Tested, Trainer};
use crate::words::{bytes, grouped};
use crate::{data, train};
use anyhow::Result;
use serde::Serialize;
use std::fmt;
use std::io::Write as _;
use std::path::PathBuf;

/// The summary of a run that begins.
pub fn start_summary(
    scene: &Scene,
    origin: &Origin,
    network: &Network,
    plan: &Plan,
    device: &Device,
) -> Summary {
    Summary {
        scene: origin.name.clone(),
        scene_sha256: origin.sha256.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: network.seed,
        engine: device.engine.to_owned(),
        adapter: device.adapter.clone(),
        driver: device.driver.clone(),
        dt_ms: network.dt,
        steps: scene
            .training
            .as_ref()
            .map_or_else(|| simulation::steps(scene), |_| plan.steps as u64),
        neurons: network.neurons(),
        synapses: network.synapses(),
        bytes_device: device.bytes,
        start: origin.start.clone(),
        ..Summary::default()
    }
}

/// The summary of a run, with what its scene is about.
#[derive(Serialize)]
struct WithResults<'a> {
    #[serde(flatten)]
    summary: &'a Summary,
    #[serde(skip_serializing_if = "<[_]>::is_empty", serialize_with = "summary::as_map")]
    results: &'a [(String, serde_json::Value)],
}

/// A run that has begun.
pub struct Session<'a> {
    pub scene: &'a Scene,
    pub origin: &'a Origin,
    pub network: &'a Network,
    pub plan: &'a Plan,
    pub folder: Folder,
    pub store: Store,
    pub summary: Summary,
    pub warnings: Vec<String>,
    pub quiet: bool,
    /// Whether there is to be a report.
    pub reports: bool,
    /// Whether metrics are to be events too.
    pub tensorboard: bool,
}

impl Session<'_> {
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Prints a part of the results, unless they are to be quiet.
    pub fn tell(&self, text: impl fmt::Display) -> Result<()> {
        if !self.quiet {
            print(text)?;
        }
        Ok(())
    }

    pub fn banner(&self) -> Result<()> {
        let s = &self.summary;
        self.tell(format!(
            "neuralearn {} · {} · seed {}\n{} on {} · {}\n{} neurons, {} synapses, {} on the device · dt {} ms, {} steps · ready in {:.2} s\n",
            s.version,
            s.scene,
            s.seed,
            s.engine,
            s.adapter,
            s.driver,
            grouped(s.neurons),
            grouped(s.synapses),
            bytes(s.bytes_device),
            s.dt_ms,
            grouped(s.steps),
            s.build_s,
        ))
    }

    pub fn train(
        &mut self,
        mut trainer: Trainer<'_>,
        samples: Samples<'_>,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Vec<KernelTime>> {
        if let Some(checkpoint) = checkpoint {
            trainer.restore(&checkpoint)?;
            self.train_on(&trainer.progress)?;
        }
        let (progress, count) = (trainer.progress.clone(), samples.count(Set::Train) as u64);
        self.watched(&progress, count, |store, observe| trainer.run(Some(store), observe))?;
        for (best, file) in [(false, "weights.safetensors"), (true, BEST)] {
            self.write_weights(file, trainer.natural_weights(best)?, &[])?;
        }
        let times = trainer.engine().profile();
        let mut confusion = Vec::new();
        let mut predictions = Predictions::default();
        let (mut shown, mut tests) = (Vec::new(), Vec::new());
        if let Samples::Labelled(data) = samples {
            // From here on all that is told of the network is of its best weights.
            trainer.use_best()?;
            predictions = trainer.predict()?;
            confusion = predictions.confusion(&data.test);
            let path = self.path(PREDICTIONS);
            predict::write(&path, self.network, &predictions, &data.test)?;
            let record = &self.scene.record;
            shown = samples::show(&mut trainer, record)?;
            samples::write(&self.folder.path, self.network, record, &shown)?;
            if self.scene.training.as_ref().is_some_and(|training| training.scores) {
                let path = self.path(SCORES);
                data::scores::write(&path, &trainer.scores()?)
                    .map_err(|source| fault(&path, source))?;
            }
            if let Some(message) = short(self.scene, &trainer.progress) {
                log::warn!("training.data.pacing: {message}");
                self.warnings.push(format!("training.data.pacing: {message}"));
            }
            for (name, damage) in self.scene.training.iter().flat_map(|training| &training.tests) {
                let tested = trainer.test(damage, &damage.silenced(self.scene))?;
                tests.push((name.clone(), tested));
            }
        }
        let tested = samples.count(Set::Test);
        self.training_summary(&trainer.progress, trainer.parameters(), &confusion, tested);
        if let Some(training) = &mut self.summary.training {
            training.small_weights = trainer.small_weights()?;
            training.tests = tests;
            match samples {
                Samples::Labelled(data) => {
                    training.attention = attention(self.scene, &predictions, &data.test);
                    let errors = trainer.adaptation()?.into_iter().enumerate();
                    training.adaptation =
                        errors.map(|(steps, mse)| (format!("mse_{steps}"), mse)).collect();
                    // Answers to tasks that are not learned yet are no result.
                    if training.adaptation.is_empty() {
                        training.nmse = predictions.nmse(&data.test);
                    }
                }
                Samples::Driven(traces) => {
                    training.fit = summary::Fit::new(trainer.fits(traces)?, traces.variance());
                }
            }
        }
        let report = self.reports.then(|| {
            let report = pictures::training(
                &self.origin.description,
                self.network,
                &mut trainer,
                &predictions,
                samples,
                &self.summary,
                &self.warnings,
            );
            let Samples::Labelled(data) = samples else { return report };
            let shown =
                samples::pictures(self.scene, self.network, &shown, &predictions, &data.test);
            report.map(|report| Report { shown, ..report })
        });
        self.finish_training(report.transpose()?.as_ref())?;
        Ok(times)
    }

    /// Runs a training while its progress is shown and written down.
    fn watched(
        &mut self,
        progress: &train::Progress,
        samples: u64,
        run: impl FnOnce(
            &Store,
            &mut dyn FnMut(Event<'_>) -> bool,
        ) -> Result<Outcome, train::TrainError>,
    ) -> Result<()> {
        let of_loss =
            |loss: Option<f64>| loss.map_or(String::new(), |loss| format!("loss {loss:.4}  "));
        let of_accuracy = |what: &str, accuracy: Option<f64>| {
            accuracy.map_or(String::new(), |a| format!("{what} {:.2} %  ", 100.0 * a))
        };
        let mut lines = Lines::create(&self.folder.path, self.tensorboard)?;
        progress.epochs.iter().try_for_each(|epoch| lines.add(epoch))?;
        let epochs = self.scene.training.as_ref().map_or(0, |t| t.epochs);
        let stop = Stop::listen();
        let mut bar = Progress::new(samples * epochs, "samples", self.quiet);
        let mut done_epochs = progress.epoch;
        let mut written = Ok(());
        let outcome = run(&self.store, &mut |event| {
            match event {
                Event::Batch { samples: done, of, loss, accuracy } => bar.at(
                    &format!("epoch {}", done_epochs + 1),
                    done_epochs * of + done,
                    epochs * of,
                    &format!("{}{}", of_loss(loss), of_accuracy("accuracy", accuracy)),
                ),
                Event::Steps(_) => {}
                Event::Epoch(epoch) => {
                    done_epochs = epoch.epoch;
                    let told = format!(
                        "epoch {:>3}  {}{}{}{}{:>6.0} samples/s",
                        epoch.epoch,
                        of_loss(epoch.loss),
                        of_accuracy("train", epoch.train_accuracy),
                        of_accuracy("validation", epoch.validation_accuracy),
                        of_accuracy("test", epoch.test_accuracy),
                        epoch.train_samples_per_s,
                    );
                    written = lines.add(epoch).and_then(|()| bar.result(&told));
                }
            }
            written.is_ok() && !stop.asked()
        })?;
        bar.finish();
        written?;
        if outcome == Outcome::Interrupted {
            return Err(Interrupted(self.folder.path.clone()).into());
        }
        Ok(())
    }

    /// A training whose synapses learn by themselves.
    pub fn learn(
        &mut self,
        mut learner: Learner<'_>,
        data: &data::Dataset,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Vec<KernelTime>> {
        if let Some(checkpoint) = checkpoint {
            learner.restore(&checkpoint)?;
            self.train_on(&learner.progress)?;
        }
        let (progress, samples) = (learner.progress.clone(), data.train.len() as u64);
        self.watched(&progress, samples, |store, observe| learner.run(Some(store), observe))?;
        self.write_weights("weights.safetensors", learner.weights()?, &[])?;
        let tested = data.test.len();
        self.training_summary(&learner.progress, learner.parameters(), &learner.confusion, tested);
        let times = learner.engine().profile();
        let report = self.reports.then(|| {
            pictures::learning(
                &self.origin.description,
                self.network,
                &mut learner,
                data,
                &self.summary,
                &self.warnings,
            )
        });
        self.finish_training(report.transpose()?.as_ref())?;
        Ok(times)
    }

    fn train_on(&self, progress: &train::Progress) -> Result<()> {
        let (epoch, batch) = (progress.epoch, progress.batch);
        self.tell(format!("going on after {epoch} epochs and {batch} batches\n"))
    }

    fn finish_training(&self, report: Option<&Report<'_>>) -> Result<()> {
        self.finish(report)?;
        let Some(training) = &self.summary.training else { return Ok(()) };
        let seconds = self.summary.wall_s;
        if let Some(why) = &training.stopped {
            self.tell(format!("stopped after {} epochs: {why}\n", training.epochs.len()))?;
        }
        if let Some(accuracy) = training.test_accuracy {
            self.tell(format!("test accuracy {:.2} % in {seconds:.1} s\n", 100.0 * accuracy))?;
        }
        if let Some(nmse) = training.nmse {
            self.tell(format!("normalised squared error {nmse:.4} in {seconds:.1} s\n"))?;
        }
        for (name, summary::Attention { ratio, .. }) in &training.attention {
            if let Some(ratio) = ratio {
                self.tell(format!("{name} gives the frame that is asked for {ratio:.1} times the score of others\n"))?;
            }
        }
        for (name, Tested { accuracy, loss }) in &training.tests {
            let accuracy =
                accuracy.map_or(String::new(), |a| format!(", accuracy {:.2} %", 100.0 * a));
            self.tell(format!("{name}: loss {loss:.4}{accuracy}\n"))?;
        }
        if let [(_, before), .., (_, after)] = &training.adaptation[..] {
            let steps = training.adaptation.len() - 1;
            self.tell(format!(
                "mean squared error of new tasks {before:.4}, {after:.4} after {steps} steps, in {seconds:.1} s\n"
            ))?;
        }
        if let Some(summary::Fit { starts, best_mse, worst_mse, .. }) = training.fit {
            self.tell(format!(
                "mean squared difference of {starts} neurons from {best_mse:.4} to {worst_mse:.4} mV² in \
                 {seconds:.1} s\n"
            ))?;
        }
        Ok(())
    }

    /// Weights by projection, if there are any. Those that are not of all pairs come with their sources and
    /// targets; sources that changed are given.
    pub fn write_weights(
        &self,
        file: &str,
        weights: Vec<(String, Vec<f32>)>,
        rewired: &[(String, Vec<u32>)],
    ) -> Result<()> {
        if weights.is_empty() {
            return Ok(());
        }
        let path = self.path(file);
        let mut tensors = Vec::new();
        for (name, values) in weights {
            let projection = self.network.projections.iter().find(|p| p.name == name);
            if let Some(network::Synapses::Sparse { start, source, .. }) =
                projection.map(|p| &p.synapses)
            {
                let now = rewired.iter().find(|(rewired, _)| *rewired == name);
                let source = now.map_or(source, |(_, source)| source).clone();
                let ends = start.windows(2).zip(0u32..);
                let target =
                    ends.flat_map(|(ends, target)| (ends[0]..ends[1]).map(move |_| target));
                for (end, values) in ENDS.iter().zip([source, target.collect()]) {
                    tensors.push((format!("{name}.{end}"), Values::Words(values)));
                }
            }
            tensors.push((name, Values::Reals(values)));
        }
        let written = files::write_tensors(&path, &tensors);
        Ok(written.map_err(|source| fault(&path, source))?)
    }

    fn training_summary(
        &mut self,
        progress: &train::Progress,
        parameters: u64,
        confusion: &[u64],
        tested: usize,
    ) {
        let (Some(last), Some(best)) = (progress.epochs.last(), progress.best()) else { return };
        self.summary.wall_s = progress.wall_s;
        let tested = tested as f64;
        let seconds = tested * self.plan.steps as f64 * self.network.dt * 1e-3;
        for (k, population) in self.network.populations.iter().enumerate() {
            let spikes = population.spikes().then(|| (last.test_spikes[k] * tested).round() as u64);
            let rate_hz = spikes.map(|s| s as f64 / population.size as f64 / seconds);
            let size = population.size as u64;
            let entry = summary::Population { size, spikes, rate_hz, cv_isi: None };
            self.summary.populations.push((population.name.clone(), entry));
        }
        self.summary.training = Some(summary::Training {
            parameters,
            validation_accuracy: last.validation_accuracy,
            validation_loss: last.validation_loss,
            test_accuracy: last.test_accuracy,
            test_error: last.test_accuracy.map(|accuracy| 1.0 - accuracy),
            test_loss: last.test_loss,
            best_epoch: best.epoch,
            best_test_accuracy: best.test_accuracy,
            stopped: self.scene.training.as_ref().and_then(|t| progress.stopped(t)),
            epochs: progress.epochs.clone(),
            confusion: confusion
                .chunks(confusion.len().isqrt().max(1))
                .map(<[_]>::to_vec)
                .collect(),
            nmse: None,
            small_weights: None,
            tests: Vec::new(),
            adaptation: Vec::new(),
            attention: Vec::new(),
            fit: None,
        });
    }

    /// Summary, and report if there is one. The summary is on disk before the report takes what room there is, and
    /// in its place after it.
    pub fn finish(&self, report: Option<&Report<'_>>) -> Result<()> {
        let path = self.path(SUMMARY);
        let value = serde_json::to_value(&self.summary).map_err(|e| fault(&path, e.into()))?;
        let results = experiment::results(self.scene, &value);
        self.tell(results.told())?;
        let summary = WithResults { summary: &self.summary, results: &results.values };
        let json = serde_json::to_string_pretty(&summary).map_err(|e| fault(&path, e.into()))?;
        let summary = Draft::write(&path, |w| writeln!(w, "{json}"));
        let summary = summary.map_err(|source| fault(&path, source))?;
        if let Some(Err(e)) = report.map(|report| report::write(report, &self.folder.path)) {
            // Pictures are not worth the loss of the numbers.
            log::warn!("the report is incomplete: {e}");
        }
        summary.publish().map_err(|source| fault(&path, source))?;
        results.complete()
    }
}

/// What there is to say of a training whose delays did not grow up to the full one.
fn short(scene: &Scene, progress: &train::Progress) -> Option<String> {
    let data = scene.training.as_ref()?.data.as_ref()?;
    let (Data::DelayedRecall { delay, .. }, Some(last)) = (data, progress.epochs.last()) else {
        return None;
    };
    let (reached, full) = (last.delay?, delay.get());
    (reached < full).then(|| {
        format!("the delay grew up to {reached} ms of {full} ms, by which the network is tested")
    })
}

/// How each projection with attention weighs the frames of the test set.
fn attention(
    scene: &Scene,
    predictions: &Predictions,
    test: &data::Split,
) -> Vec<(String, summary::Attention)> {
    let asked = |k: usize| match scene.training.as_ref().and_then(|training| training.data.as_ref())
    {
        Some(Data::Streams { frames, .. }) => streams::marked(test.image(k), *frames as usize),
        _ => None,
    };
    let asked: Vec<_> = (0..predictions.samples()).map(asked).collect();
    let of = |(name, scores): &(String, Vec<f32>)| {
        (name.clone(), summary::Attention::new(scores, &asked))
    };
    predictions.scores.iter().map(of).collect()
}

/// Prints the time of each kernel.
pub fn profile(times: &[KernelTime]) -> Result<(), FileFault> {
    let mut times = times.to_vec();
    times.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    let total: f64 = times.iter().map(|t| t.seconds).sum();
    let mut text = format!(
        "{:<9} {:<34} {:<26} {:>9} {:>10} {:>7}\n",
        "program", "kernel", "for", "launches", "time (s)", "share"
    );
    for t in &times {
        let share = 100.0 * t.seconds / total;
        text += &format!(
            "{:<9} {:<34} {:<26} {:>9} {:>10.3} {:>5.1} %\n",
            t.program, t.kernel, t.label, t.launches, t.seconds, share
        );
    }
    print(text)
}
