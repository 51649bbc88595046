//! Runs that are killed at chosen calls of the file system, and go on: what they leave is, byte for byte,
//! what a run leaves that nobody has killed, and nothing else.
//!
//! The calls of a run are listed by `strace`, and one of them after the other is made its last. A dozen points
//! of each run by default, `NEURALEARN_KILLS=100` for as many as that.
#![cfg(target_os = "linux")]

#[path = "common/place.rs"]
mod place;

use place::{Place, STRIPES, arguments, edit, ended, numbers};
use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Points of each run, unless the environment says otherwise.
const KILLS: usize = 12;

/// Calls that can change what is on a disk, or look at it.
const CALLS: &str = "%file,write,pwrite64,fsync,fdatasync,ftruncate,flock,getdents64";

/// The program under strace with these options.
fn traced(place: &Place, options: &[&str], args: &[&str]) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq"]).args(options).arg(env!("CARGO_BIN_EXE_neuralearn")).args(args);
    strace.current_dir(place.path(".")).env_remove("RUST_LOG");
    strace.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    strace
}

/// Whether processes can be traced here.
fn can_trace(place: &Place) -> bool {
    let mut tried = traced(place, &["-o", "/dev/null", "-e", "trace=openat"], &["--version"]);
    let works = tried.output().is_ok_and(|output| output.status.success());
    if !works {
        println!("SKIP: strace is not there, or may not trace");
    }
    works
}

/// Calls of a run from the making of its folder on, each as its name and how many of that name its thread
/// had made by then.
fn calls(place: &Place, args: &[&str], out: &str) -> Vec<(String, usize)> {
    let options = ["-o", "calls", "-e", &format!("trace={CALLS}")];
    ended(traced(place, &options, args).spawn().unwrap()).expect(0, "");
    let log = String::from_utf8(place.read("calls")).unwrap();
    let (mut counts, mut found) = (HashMap::new(), Vec::new());
    let first = log.split_whitespace().next().unwrap().to_owned();
    let mut begun = false;
    for line in log.lines() {
        let Some((process, call)) = line.split_once(' ') else { continue };
        let Some((name, _)) = call.trim_start().split_once('(') else { continue };
        if process != first || !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
            continue;
        }
        let count = counts.entry(name.to_owned()).or_insert(0);
        *count += 1;
        begun |= name.starts_with("mkdir") && call.contains(&format!("\"{out}"));
        if begun {
            found.push((name.to_owned(), *count));
        }
    }
    assert!(found.len() > 20, "{} calls:\n{log:.2000}", found.len());
    found
}

/// Kills a run at many calls, each time from the start, and lets it go on.
fn campaign(scene: &str, text: &str, more: &[&str]) {
    let place = Place::new();
    if !can_trace(&place) {
        return;
    }
    fs::write(place.path(scene), text).unwrap();
    let whole = place.done(scene, "whole", more);
    let args = |out| arguments(&["--scene", scene, "--out", out], more);
    let calls = calls(&place, &args("traced"), "traced");
    let kills = std::env::var("NEURALEARN_KILLS").ok().and_then(|kills| kills.parse().ok());
    let kills = kills.unwrap_or(KILLS).min(calls.len());
    let names = |out: &str| {
        let name = |path: &PathBuf| path.strip_prefix(place.path(out)).unwrap().to_owned();
        place.files(out).keys().map(name).collect::<Vec<_>>()
    };
    let mut resumed = 0;
    for point in 0..kills {
        let (call, count) = &calls[point * calls.len() / kills];
        let at = format!("inject={call}:signal=KILL:when={count}");
        let killed =
            traced(&place, &["-o", "/dev/null", "-e", &at], &args("run")).output().unwrap();
        assert!(!killed.status.success(), "{at}: it was not killed");
        let said = place.call(&["--resume", "run", "--engine", "cpu", "--quiet"]);
        match said.code {
            Some(0) => resumed += 1,
            // Before there is a state to go on from, a run begins again.
            Some(2 | 3) => {
                place.done(scene, "run", &[more, &["--overwrite"]].concat());
            }
            other => panic!("{at}: {other:?}: {}", said.err),
        }
        assert_eq!(numbers(&place.summary("run")), numbers(&whole), "{at}");
        for file in ["spikes.npz", "traces.npz", "weights.safetensors", "weights-best.safetensors"]
        {
            let read = |out: &str| fs::read(place.path(out).join(file)).ok();
            assert!(read("run") == read("whole"), "{at}: {file} differs");
        }
        assert_eq!(names("run"), names("whole"), "{at}");
        fs::remove_dir_all(place.path("run")).unwrap();
    }
    println!("{scene}: {kills} kills among {} calls, {resumed} resumed", calls.len());
    assert!(resumed > 0, "none of {kills} had a state to go on from");
}

#[test]
fn a_simulation_survives_kills() {
    campaign("sim.ron", place::SIMULATION, &[]);
}

#[test]
fn a_training_survives_kills() {
    campaign("train.ron", place::TRAINING, &[]);
}

#[test]
fn an_assignment_survives_kills() {
    campaign("stripes.ron", &edit(STRIPES, "epochs: 6", "epochs: 2"), &[]);
}
