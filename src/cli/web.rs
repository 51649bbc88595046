//! `neuralearn web`: a page that runs a scene on the GPU of whoever opens it.

use super::prepare::{MAX_BINDING, make_threads};
use super::progress::Progress;
use super::run::{overrides_of, written};
use super::terminal::print;
use super::{Usage, Web, fault};
use crate::network;
use crate::plan::{self, SimulationOptions};
use crate::scene;
use crate::simulation;
use crate::web::{self, About, INDEX, Page};
use crate::words::bytes;
use anyhow::Result;
use std::fs;
use std::path::Path;

/// Size above which a page is slow to load over a network \[bytes\].
const LARGE: u64 = 32_000_000;

/// Writes the page.
///
/// # Errors
/// A scene that a page cannot run, or that is too large for one; a folder that has other things.
pub fn web(args: &Web) -> Result<()> {
    make_threads(None)?;
    let overrides = overrides_of(&args.set, args.seed);
    let (scene, source, warnings) = scene::load(&args.scene, &overrides).map_err(|e| *e)?;
    web::check(&scene)?;
    is_free(&args.out)?;
    let mut bar = Progress::new(scene.projections.len() as u64, "projections", false);
    let network = network::build_watched(&scene, &mut |drawn, of| {
        bar.at("building", drawn as u64, of as u64, "");
    });
    bar.finish();
    let network = network?;
    let options = SimulationOptions {
        samples: web::watched(&network),
        workgroups: true,
        room: web::MOST_FACTOR,
        ..simulation::options(&scene, &network, MAX_BINDING)?
    };
    let plan = plan::plan(&network, &options)?;
    for w in warnings.iter().chain(&network.warnings).chain(&plan.warnings) {
        log::warn!("{}: {}: {}", source.name, w.path, w.message);
    }
    let about = About {
        title: args.scene.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        description: source.description(),
        scene: written(&scene)?,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let (page, content) = Page::new(&scene, &network, plan, MAX_BINDING, about)?;
    fs::create_dir_all(&args.out).map_err(|source| fault(&args.out, source))?;
    let size = page.write(&content, &args.out).map_err(|source| fault(&args.out, source))?;
    if size > LARGE {
        log::warn!(
            "the page has {}, which takes a while to load; smaller populations make it smaller",
            bytes(size)
        );
    }
    let (index, folder) = (args.out.join(INDEX), args.out.display());
    Ok(print(format!(
        "{} ({}) is written. Open it in a browser with WebGPU, or put the folder on any web server, as\n  \
         python3 -m http.server -d {folder}\n",
        index.display(),
        bytes(size),
    ))?)
}

/// Refuses a folder with anything but a page that this command wrote.
fn is_free(out: &Path) -> Result<()> {
    if !out.exists() {
        return Ok(());
    }
    let entries = fs::read_dir(out).map_err(|source| fault(out, source))?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let names: Vec<String> =
        names.collect::<std::io::Result<_>>().map_err(|source| fault(out, source))?;
    match names.is_empty() || web::is_page(&names, out) {
        true => Ok(()),
        false => {
            let why = format!(
                "{} has other things than a page of this command, {} among them; choose another for -o",
                out.display(),
                names.join(", ")
            );
            Err(Usage(why).into())
        }
    }
}
