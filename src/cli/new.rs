//! `neuralearn new`: a scene to start from.

use super::terminal::print;
use super::{New, fault};
use crate::scene;
use anyhow::Result;
use std::fs::File;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

/// What a new scene is if no other is named.
const TEMPLATE: &str = include_str!("../../assets/new.ron");

/// Where scenes are looked for by their names.
const SCENES: &str = "scenes";

/// Writes the scene and says how to run it.
///
/// # Errors
/// There is such a file, or no such scene to start from.
pub fn new(args: &New) -> Result<()> {
    let path = with_ending(&args.name);
    let text = match &args.from {
        None => TEMPLATE.to_owned(),
        Some(from) => {
            // What is no sound scene is not passed on.
            let (_, source, _) = scene::load(&found(from), &[]).map_err(|e| *e)?;
            source.moved(path.parent().unwrap_or(Path::new("")))
        }
    };
    let written = File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| match source.kind() {
        ErrorKind::AlreadyExists => {
            let why = "it is there already, and is not overwritten; choose another name";
            fault(&path, io::Error::new(ErrorKind::AlreadyExists, why))
        }
        _ => fault(&path, source),
    })?;
    let path = path.display();
    Ok(print(format!(
        "{path} is written. Run it, look at what it leads to, and at the words that it may have:\n  \
         neuralearn {path}\n  neuralearn check {path}\n  neuralearn models\n"
    ))?)
}

/// The name of a scene file.
fn with_ending(name: &Path) -> PathBuf {
    match name.extension().is_some_and(|extension| extension == "ron") {
        true => name.to_owned(),
        false => {
            let mut name = name.to_owned().into_os_string();
            name.push(".ron");
            name.into()
        }
    }
}

/// The scene that is meant: a file, or one of those that come along.
fn found(from: &Path) -> PathBuf {
    let named = Path::new(SCENES).join(with_ending(from));
    match from.is_file() || from.components().count() > 1 || !Path::new(SCENES).is_dir() {
        true => from.to_owned(),
        false => named,
    }
}
