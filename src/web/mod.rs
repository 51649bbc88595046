//! A page that runs a simulation in a browser, by WebGPU.
//!
//! The page has the plan of the command line: the same arrays, shaders and launches, in the form that the GPU engine
//! gives to a device ([`crate::engine::dispatch`]). Its script, `assets/web`, does what engine and
//! [`crate::simulation`] do: it makes buffers and pipelines, writes the input of a window, and runs its steps. So it has
//! the same spikes as the engine has on an adapter that rounds alike.
//!
//! A page is two files. `index.html` has markup, style, script, and as JSON all that is short ([`Page`]). What is long
//! is one run of bytes ([`Content`]), deflated and in base64, in `network.js`: a page that is opened as a file may load
//! scripts and nothing else.

mod content;
mod controls;
mod device;
mod host;
mod view;

pub use content::{Content, Part};

use crate::files::write_atomic;
use crate::network::Network;
use crate::plan::{Arrays, Plan};
use crate::report::{base64, escape};
use crate::scene::Scene;
use crate::words;
use controls::Control;
pub use controls::MOST_FACTOR;
use device::Device;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use host::Host;
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::Path;
use view::View;
pub use view::watched;

/// The page.
pub const INDEX: &str = "index.html";

/// The bytes of its network.
pub const NETWORK: &str = "network.js";

/// Largest content that browsers are to unpack \[bytes\].
const MOST_CONTENT: u64 = 128 << 20;

/// Most memory of the arrays together that GPUs of visitors are to have \[bytes\].
const MOST_ARRAYS: u64 = 512 << 20;

/// What the page is made of.
const TEMPLATE: &str = include_str!("../../assets/web/page.html");
const STYLE: &str = include_str!("../../assets/web/page.css");
const SCRIPTS: [&str; 5] = [
    include_str!("../../assets/web/device.js"),
    include_str!("../../assets/web/host.js"),
    include_str!("../../assets/web/controls.js"),
    include_str!("../../assets/web/view.js"),
    include_str!("../../assets/web/page.js"),
];

/// By which a folder is known to have a page of this program, to be replaced by another.
const MARK: &str = "<meta name=\"generator\" content=\"neuralearn";

/// What people read about a scene.
#[derive(Debug, Clone, Default, Serialize)]
pub struct About {
    /// Its name.
    pub title: String,
    /// The comment that it opens with.
    pub description: String,
    /// The scene with all defaults, as RON.
    pub scene: String,
    /// Version of this program.
    pub version: String,
}

/// What a page knows, but for its long parts.
#[derive(Serialize)]
pub struct Page {
    about: About,
    /// Time step \[ms\].
    dt: f64,
    /// Steps of a window at most.
    steps: usize,
    /// Steps after which the scene ends; the page goes on.
    end: u64,
    neurons: u64,
    synapses: u64,
    device: Device,
    host: Host,
    view: View,
    controls: Vec<Control>,
    /// What of the scene is not on the page, or cannot be moved there.
    notes: Vec<String>,
}

/// Refuses what a page cannot do of a scene, before anything is drawn.
///
/// # Errors
/// Says what and why.
pub fn check(scene: &Scene) -> Result<(), WebError> {
    let refuse = |what: String, why| Err(WebError::Refused { what, why });
    if !scene.stages.is_empty() {
        let why = "a page runs one simulation, and this is an experiment of several. Run it here; the folder of each \
                   stage that is a simulation then has a `scene.ron`, of which a page can be made";
        return refuse("`stages`".to_owned(), why);
    }
    if scene.training.is_some() {
        let why = "a page runs simulations: what a training does between batches, loading samples, schedules, tests, \
                   is done by the command line alone";
        return refuse("`training`".to_owned(), why);
    }
    Ok(())
}

/// Refuses what the host of a simulation does between windows and the script of a page does not.
fn check_network(network: &Network) -> Result<(), WebError> {
    if let Some(p) = network.projections.iter().find(|p| p.rewire.is_some()) {
        let what = format!("`rewire` of projections.{}", p.name);
        let why = "synapses are moved by the host between windows, for which a page has no code. Leave `rewire` out";
        return Err(WebError::Refused { what, why });
    }
    if let Some(m) = network.modulators.iter().find(|m| !m.pairs.is_empty()) {
        let what = format!("`Pair` in `release` of modulators.{}", m.name);
        let why = "rewards for pairs of spikes are given by the host, which looks at all spikes, for which a page has \
                   no code. Use `Spikes` or given times in `release`";
        return Err(WebError::Refused { what, why });
    }
    Ok(())
}

/// Refuses arrays that are more than a browser or a visitor's GPU is to take.
fn check_size(arrays: &Arrays, content: u64) -> Result<(), WebError> {
    let all = arrays.iter().map(|(_, array)| array.bytes()).sum();
    for (what, bytes, limit) in [
        ("all arrays together", all, MOST_ARRAYS),
        ("what the page has to load", content, MOST_CONTENT),
    ] {
        if bytes > limit {
            let largest = arrays.iter().max_by_key(|(_, array)| array.bytes());
            let (array, own) = largest.map_or(("", 0), |(_, array)| (&array.name, array.bytes()));
            return Err(WebError::Size { what, bytes, limit, array: array.to_owned(), own });
        }
    }
    Ok(())
}

impl Page {
    /// The page of a simulation whose plan was made for what [`watched`] lists, and the bytes that it needs.
    ///
    /// # Errors
    /// What a page cannot do, arrays that are too large, a shader that does not assemble.
    ///
    /// # Panics
    /// If the plan was not made for simulation.
    pub fn new(
        scene: &Scene,
        network: &Network,
        mut plan: Plan,
        max_binding: u64,
        about: About,
    ) -> Result<(Self, Content), WebError> {
        check(scene)?;
        check_network(network)?;
        let mut content = Content::default();
        // Tables of what is moved may be longer than those of the plan.
        let (controls, notes) = controls::of(network, &mut plan, max_binding, &mut content);
        let device = Device::new(network, &plan, max_binding, &mut content)
            .map_err(|(kernel, why)| WebError::Shader { kernel, why })?;
        let page = Self {
            about,
            dt: network.dt,
            steps: plan.steps,
            end: crate::simulation::steps(scene),
            neurons: network.neurons(),
            synapses: network.synapses(),
            device,
            host: Host::new(network, &plan, &mut content),
            view: View::new(network, &plan, &mut content),
            controls,
            notes: notes.into_iter().chain(left_out(scene)).collect(),
        };
        check_size(&plan.arrays, content.len())?;
        Ok((page, content))
    }

    /// Writes both files into a folder and says how large they are together \[bytes\].
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, content: &Content, folder: &Path) -> io::Result<u64> {
        let mut deflated = DeflateEncoder::new(Vec::new(), Compression::best());
        deflated.write_all(content.bytes())?;
        let network = format!("var NETWORK = \"{}\";\n", base64(&deflated.finish()?));
        write_atomic(&folder.join(NETWORK), |file| file.write_all(network.as_bytes()))?;
        let index = self.html()?;
        write_atomic(&folder.join(INDEX), |file| file.write_all(index.as_bytes()))?;
        Ok((network.len() + index.len()) as u64)
    }

    fn html(&self) -> io::Result<String> {
        // Nothing in it can end the element that it stands in.
        let json = serde_json::to_string(self)?.replace('<', "\\u003c");
        let title = escape(&self.about.title);
        let mut html = String::new();
        let mut rest = TEMPLATE;
        for (marker, text) in [
            ("{mark}", format!("{MARK} {}\">", escape(&self.about.version))),
            ("{title}", title.clone()),
            ("{style}", STYLE.to_owned()),
            ("{title}", title),
            ("{description}", escape(&self.about.description)),
            ("{scene}", escape(&self.about.scene)),
            ("{page}", json),
            ("{script}", SCRIPTS.concat()),
        ] {
            let (before, after) =
                rest.split_once(marker).expect("the template has its markers in this order");
            html = html + before + &text;
            rest = after;
        }
        Ok(html + rest)
    }
}

/// Whether a folder has nothing but a page of this program, which another may replace.
pub fn is_page(names: &[String], folder: &Path) -> bool {
    names.iter().all(|name| [INDEX, NETWORK].contains(&name.as_str()))
        && std::fs::read_to_string(folder.join(INDEX)).is_ok_and(|page| page.contains(MARK))
}

/// What a scene asks for that the page does not do.
fn left_out(scene: &Scene) -> Option<String> {
    let names: Vec<&str> = scene.measures.iter().map(|(name, _)| name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "Not on this page: the measures {} of the scene, which the command line counts.",
            names.join(", ")
        )
    })
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// Something of the scene that a page cannot do.
    #[error("{what} cannot be on a page: {why}")]
    Refused {
        /// What.
        what: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// Too much for a browser.
    #[error(
        "{what}: {}, and a page may have {}. The largest array is `{array}` with {}; lower the sizes of populations, \
         connection probabilities or delays, as by --set",
        words::bytes(*.bytes), words::bytes(*.limit), words::bytes(*.own)
    )]
    Size {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        bytes: u64,
        /// How large it may be.
        limit: u64,
        /// The largest array.
        array: String,
        /// Its size.
        own: u64,
    },
    /// A shader that does not assemble; a fault of this program.
    #[error("kernel {kernel} cannot be put together: {why}")]
    Shader {
        /// Name of the kernel.
        kernel: &'static str,
        /// What is wrong.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_limited_and_the_largest_array_is_named() {
        let of = |len| {
            let mut arrays = Arrays::default();
            arrays.zero_words("small", 1);
            arrays.zero_words("ring", len);
            arrays
        };
        assert!(check_size(&of(1 << 20), 1 << 20).is_ok());
        let large = check_size(&of(200 << 20), 0).unwrap_err().to_string();
        assert!(large.contains("all arrays together") && large.contains("`ring`"), "{large}");
        let long = check_size(&of(1 << 20), 200 << 20).unwrap_err().to_string();
        assert!(long.contains("has to load") && long.contains("209.7 MB"), "{long}");
    }
}
