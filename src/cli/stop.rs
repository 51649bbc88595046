//! Signals by which a user or a system asks a run to end.
//!
//! The first lets the run save its state, the second ends the process at once. What whoever started the
//! program has told it to ignore, as `nohup` does with hangups, stays ignored.

use super::terminal::say;
use signal_hook::{consts, flag};
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Signals that ask for an end.
#[cfg(unix)]
const SIGNALS: &[c_int] = &[consts::SIGINT, consts::SIGTERM, consts::SIGHUP];
#[cfg(not(unix))]
const SIGNALS: &[c_int] = &[consts::SIGINT, consts::SIGTERM];

/// Exit code of a process that a second signal ends.
const ENDED: c_int = 130;

/// Whether an end was asked for.
pub struct Stop {
    asked: Arc<AtomicBool>,
    told: Cell<bool>,
}

impl Stop {
    /// Listens from now on, once for the whole process.
    pub fn listen() -> Self {
        static ASKED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
        let asked = ASKED.get_or_init(Self::register).clone();
        Self { asked, told: Cell::new(false) }
    }

    fn register() -> Arc<AtomicBool> {
        let asked = Arc::new(AtomicBool::new(false));
        let ignored = ignored();
        for &signal in SIGNALS.iter().filter(|signal| ignored >> (**signal - 1) & 1 == 0) {
            // In this order the first signal finds the flag unset, and the second does not.
            let listening = flag::register_conditional_shutdown(signal, ENDED, asked.clone())
                .and_then(|_| flag::register(signal, asked.clone()));
            if let Err(e) = listening {
                log::warn!("signal {signal} will end the run without saving: {e}");
            }
        }
        asked
    }

    /// Whether an end was asked for. The first time that it was, the user is told so.
    pub fn asked(&self) -> bool {
        let asked = self.asked.load(Ordering::Relaxed);
        if asked && !self.told.replace(true) {
            say("stopping; what is done so far is being saved (once more to end at once)");
        }
        asked
    }
}

/// Signals that this process was told to ignore, signal n as bit n - 1; none where the system does not tell.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}
