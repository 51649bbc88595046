//! Rules of experiments: parts that follow each other, and what is told of them.

use super::*;
use crate::scene::{Override, SEED, SEEDS};

/// Folders of a run, which no stage may be called.
const RESERVED: [&str; 2] = ["checkpoints", "figures"];

impl Checker<'_> {
    /// Parts of an experiment.
    pub(super) fn stages(&mut self) {
        let scene = self.scene;
        if scene.stages.is_empty() && !scene.seeds.is_empty() {
            let help = "give `stages`, or leave it out and run the scene with --seeds";
            self.fault_with_help(SEEDS, "they are of the stages of an experiment", help);
        }
        for (k, seed) in scene.seeds.iter().enumerate() {
            if scene.seeds[..k].contains(seed) {
                self.fault(format!("{SEEDS}.{k}"), format!("seed {seed} is there twice"));
            }
        }
        let mut earlier: Vec<&str> = Vec::new();
        for (name, stage) in &scene.stages {
            let path = format!("stages.{name}");
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            let lower = name.to_ascii_lowercase();
            if !is_name(name) || !name.chars().all(plain) || RESERVED.contains(&&*lower) {
                let message = format!("`{}` is no name for a stage", name.escape_default());
                let help =
                    "a letter or `_`, then letters, digits, `_` or `-`; it is the name of a folder";
                self.fault_with_help(&path, message, help);
            }
            if earlier.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                self.fault(&path, "two stages have this name, but for its capitals");
            }
            for (field, named, instead) in
                [("from", &stage.from, "initial"), ("scores", &stage.scores, "file")]
            {
                let Some(named) = named.as_ref().filter(|name| !earlier.contains(&name.as_str()))
                else {
                    continue;
                };
                let message = format!("`{named}` is no earlier stage");
                let help = match earlier[..] {
                    [] => format!("leave it out, or give `{instead}`"),
                    _ => format!("earlier are {}", earlier.join(", ")),
                };
                self.fault_with_help(format!("{path}.{field}"), message, help);
            }
            let reinit = format!("{path}.reinit");
            self.learned(&reinit, &stage.reinit);
            if stage.from.is_none() && !stage.reinit.is_empty() {
                let help = "give `from`, or leave it out";
                self.fault_with_help(reinit, "all of this stage is drawn", help);
            }
            for (k, text) in stage.set.iter().enumerate() {
                let path = format!("{path}.set.{k}");
                match text.parse::<Override>() {
                    Err(e) => self.fault(path, e.to_string()),
                    Ok(change) => {
                        let first = change.path.split('.').next().unwrap_or_default();
                        if ["stages", SEEDS, "results", "version"].contains(&first) {
                            self.fault(path, format!("a stage has no `{first}` of its own"));
                        } else if change.path == SEED && !scene.seeds.is_empty() {
                            let help = "leave it out, or have no `seeds`";
                            let message = "the stage is run with each of `seeds`";
                            self.fault_with_help(path, message, help);
                        }
                    }
                }
            }
            earlier.push(name);
        }
        for (name, place) in &scene.results {
            let path = format!("results.{name}");
            let first = place.split('.').next().unwrap_or_default();
            let is_count = place == SEEDS && !scene.seeds.is_empty();
            if !earlier.is_empty() && !earlier.contains(&first) && !is_count {
                let message = format!("`{first}` is no stage");
                let help = format!("begin with one of {}", earlier.join(", "));
                self.fault_with_help(path, message, help);
            }
        }
    }
}
