//! What a person sees while a run goes on: a bar on a terminal, lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
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
                bar.set_message(message.to_owned());
                bar.set_position(position);
            }
            None if !self.quiet && self.told.elapsed() > LINE => {
                self.told = Instant::now();
                let elapsed = self.start.elapsed().as_secs_f64();
                let left =
                    elapsed * (length.saturating_sub(position)) as f64 / position.max(1) as f64;
                self.line(&format!(
                    "{prefix} {position}/{length} {message}, about {left:.0} s left"
                ));
            }
            None => {}
        }
    }

    /// Writes a line that stays.
    pub fn line(&self, text: &str) {
        if self.quiet {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| eprint_line(text)),
            None => eprint_line(text),
        }
    }

    /// Removes the bar.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn eprint_line(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Set when the user asks to stop. The first Ctrl-C (or SIGTERM) lets the run save its state; the
/// second ends the process at once.
pub fn stop_flag() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    let count = AtomicU32::new(0);
    let set = Arc::clone(&flag);
    let installed = ctrlc::set_handler(move || {
        set.store(true, Ordering::Relaxed);
        if count.fetch_add(1, Ordering::Relaxed) > 0 {
            std::process::exit(130);
        }
        eprint_line("stopping; what is done so far is being saved (once more to end at once)");
    });
    if let Err(e) = installed {
        log::warn!("Ctrl-C will end the run without saving: {e}");
    }
    flag
}
