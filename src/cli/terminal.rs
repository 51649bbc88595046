//! What reaches a person: results on standard output, everything else on standard error.

use super::FileFault;
use crate::words::visible;
use std::fmt;
use std::io::{ErrorKind, Write as _};

/// Prints results. That nobody reads them any more is no error; that they are lost is.
///
/// # Errors
/// Standard output takes no more.
pub fn print(text: impl fmt::Display) -> Result<(), FileFault> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(visible(&text.to_string()).as_bytes()).and_then(|()| out.flush());
    match written {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(FileFault { what: "standard output".to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Says something beside the results. There is nobody to tell that this fails.
pub fn say(text: impl fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{}", visible(&text.to_string()));
}
