//! What a person sees while a run goes on: a bar on a terminal, lines elsewhere.

use super::FileFault;
use super::terminal::{print, say};
use crate::words::visible;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const LINE: Duration = Duration::from_secs(10);

/// A bar, or lines, or nothing.
pub struct Progress {
    bar: Option<ProgressBar>,
    told: Instant,
    start: Instant,
    quiet: bool,
}

impl Progress {
    /// Progress over `length` of `unit`; nothing if `quiet`.
    pub fn new(length: u64, unit: &str, quiet: bool) -> Self {
        let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
        let bar = (terminal && !quiet).then(|| {
            let bar = ProgressBar::new(length);
            let template = format!(
                "{{prefix:>10}} {{bar:30}} {{pos}}/{{len}} {unit} {{per_sec}} {{msg}} {{eta}} left"
            );
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style);
            }
            bar
        });
        Self { bar, told: Instant::now(), start: Instant::now(), quiet }
    }

    /// Shows where the run is.
    pub fn at(&mut self, prefix: &str, position: u64, length: u64, message: &str) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(length);
                bar.set_prefix(prefix.to_owned());
                bar.set_message(visible(message).into_owned());
                bar.set_position(position);
            }
            None if !self.quiet && self.told.elapsed() > LINE => {
                self.told = Instant::now();
                let elapsed = self.start.elapsed().as_secs_f64();
                let left =
                    elapsed * (length.saturating_sub(position)) as f64 / position.max(1) as f64;
                say(format!("{prefix} {position}/{length} {message}, about {left:.0} s left"));
            }
            None => {}
        }
    }

    /// Prints a result above the bar; nothing if it is to be quiet.
    pub fn result(&self, text: &str) -> Result<(), FileFault> {
        let line = format!("{text}\n");
        match &self.bar {
            _ if self.quiet => Ok(()),
            Some(bar) => bar.suspend(|| print(line)),
            None => print(line),
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
