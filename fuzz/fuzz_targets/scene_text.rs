//! Any text is a scene or a list of mistakes, and mistakes can be shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use neuralearn::scene::load_str;
use std::path::Path;

fuzz_target!(|text: &str| {
    match load_str("fuzz.ron", text, Path::new(""), &[]) {
        // What was read can be written down, and is then the same.
        Ok((scene, ..)) => {
            let again = load_str("again.ron", &scene.to_ron().unwrap(), Path::new(""), &[]);
            assert!(again.is_ok_and(|(again, ..)| again == scene));
        }
        Err(mistakes) => drop(mistakes.render(true)),
    }
});
