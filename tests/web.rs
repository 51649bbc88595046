//! Pages that run a scene in a browser: what is exported, what is refused, and, where a browser is, that it has the
//! spikes and weights of the engine with the same shaders.

mod common;
#[path = "common/place.rs"]
mod place;
#[path = "common/visitor.rs"]
mod visitor;

use common::adapter;
use flate2::read::DeflateDecoder;
use neuralearn::engine::Engine;
use neuralearn::network::{Network, build};
use neuralearn::plan::{self, Plan, SimulationOptions};
use neuralearn::scene::{Override, Scene, load};
use neuralearn::simulation::{self, Simulation};
use place::{Place, SIMULATION, edit};
use serde_json::Value;
use std::fs;
use std::io::Read as _;
use std::path::Path;

const MAX_BINDING: u64 = 128 << 20;

/// Scenes of the repository, so changed that a browser on a software adapter is done with them in seconds.
const SMALL_COBA: &[&str] = &["populations.exc.size=800", "populations.inh.size=200"];

fn shipped(name: &str) -> String {
    format!("{}/scenes/{name}.ron", env!("CARGO_MANIFEST_DIR"))
}

/// What `index.html` of a page knows, and the bytes of its network.
fn opened(folder: &Path) -> (Value, Vec<u8>) {
    let html = fs::read_to_string(folder.join("index.html")).unwrap();
    let (_, rest) = html.split_once("<script type=\"application/json\" id=\"page\">").unwrap();
    let page = serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap();
    let text = fs::read_to_string(folder.join("network.js")).unwrap();
    let digits = text.strip_prefix("var NETWORK = \"").unwrap().strip_suffix("\";\n").unwrap();
    let mut content = Vec::new();
    DeflateDecoder::new(&decoded(digits)[..]).read_to_end(&mut content).unwrap();
    (page, content)
}

/// Bytes of a text in base64.
fn decoded(digits: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => u32::from(c - b'A'),
        b'a'..=b'z' => u32::from(c - b'a') + 26,
        b'0'..=b'9' => u32::from(c - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => 0,
    };
    let padding = digits.bytes().rev().take_while(|c| *c == b'=').count();
    let group = |four: &[u8]| four.iter().fold(0, |group, c| group << 6 | value(*c));
    let bytes =
        digits.as_bytes().chunks(4).flat_map(|four| group(four).to_be_bytes()[1..].to_vec());
    let mut bytes: Vec<u8> = bytes.collect();
    bytes.truncate(bytes.len() - padding);
    bytes
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number")) as usize
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

// ---- Export ---------------------------------------------------------------------------------------

/// Asserts that all that a page refers to is there.
fn is_whole(page: &Value, content: &[u8]) {
    let device = &page["device"];
    let part = |part: &Value| {
        let [at, bytes] = [number(&part[0]), number(&part[1])];
        assert!(at % 4 == 0 && bytes % 4 == 0 && at + bytes <= content.len(), "{part}");
        bytes
    };
    let sizes: Vec<usize> = list(&device["buffers"]).iter().map(number).collect();
    for array in list(&device["arrays"]) {
        let bytes = 4 * number(&array["len"]);
        assert!(number(&array["at"]) + bytes <= sizes[number(&array["buffer"])], "{array}");
        if !array["start"].is_null() {
            assert_eq!(part(&array["start"]), bytes, "{array}");
        }
    }
    let spans = &device["spans"];
    let last = number(&spans["window"]) + (number(&page["steps"]) - 1) * number(&spans["stride"]);
    assert!(last + number(&spans["bytes"]) <= part(&spans["content"]));
    for stage in list(&device["stages"]) {
        for dispatch in list(&stage["dispatches"]) {
            let pipeline = &device["pipelines"][number(&dispatch["pipeline"])];
            let kernel = &device["kernels"][number(&pipeline["kernel"])];
            assert!(kernel["text"].as_str().unwrap().contains("fn main("));
            assert_eq!(pipeline["constants"]["WG"].as_f64(), kernel["workgroup"].as_f64());
            let arrays = list(&dispatch["arrays"]);
            assert_eq!(arrays.len(), list(&kernel["written"]).len());
            assert!(arrays.len() <= number(&device["needs"]["maxStorageBuffersPerShaderStage"]));
            for array in arrays {
                assert!(number(&array[1]) + number(&array[2]) <= sizes[number(&array[0])]);
            }
            part(&dispatch["params"]);
        }
    }
    for control in list(&page["controls"]) {
        let factors = list(&control["factors"]);
        assert!(factors.contains(&Value::from(1.0)), "{control}");
        assert!(!list(&control["moves"]).is_empty());
        for change in list(&control["moves"]) {
            for position in change["table"]["positions"].as_array().into_iter().flatten() {
                let array = number(&change["table"]["array"]);
                assert!(part(position) <= 4 * number(&device["arrays"][array]["len"]));
            }
            if let Some(positions) = change["table"]["positions"].as_array() {
                assert_eq!(positions.len(), factors.len());
            }
        }
    }
}

#[test]
fn a_page_has_all_that_it_refers_to() {
    let place = Place::new();
    for (name, more, controls) in [
        ("coba", SMALL_COBA, 4),
        ("stdp_song", &[], 2),
        ("izhikevich", &[], 6),
        ("stdp_triplet", &[], 2),
        ("hh_squid", &[], 0),
    ] {
        let mut args = vec!["web", "", "-o", name, "--seed", "3"];
        let path = shipped(name);
        args[1] = &path;
        more.iter().for_each(|set| args.extend(["--set", set]));
        let said = place.call(&args);
        said.expect(0, "");
        assert!(
            said.out.contains("index.html") && said.out.contains("http.server"),
            "{}",
            said.out
        );
        let mut files: Vec<_> = fs::read_dir(place.path(name)).unwrap().collect();
        assert_eq!(files.drain(..).count(), 2, "{name}");
        let (page, content) = opened(&place.path(name));
        is_whole(&page, &content);
        assert_eq!(page["about"]["title"], name);
        assert!(page["about"]["scene"].as_str().unwrap().contains("seed: 3"));
        assert_eq!(page["device"]["clock"][0], 3, "the seed");
        assert_eq!(list(&page["controls"]).len(), controls, "{name}: {}", page["controls"]);
    }
}

#[test]
fn words_of_a_scene_are_no_markup() {
    let place = Place::new();
    let about = "<u>About</u></script>";
    fs::write(place.path("<i>.ron"), format!("// {about}\n{SIMULATION}")).unwrap();
    place.call(&["web", "<i>.ron", "-o", "page"]).expect(0, "");
    let html = fs::read_to_string(place.path("page/index.html")).unwrap();
    for raw in ["<i>", "<u>"] {
        assert!(!html.contains(raw), "{raw}");
    }
    let (page, content) = opened(&place.path("page"));
    assert_eq!(page["about"]["description"], about);
    is_whole(&page, &content);
}

#[test]
fn a_page_replaces_a_page_and_nothing_else() {
    let place = Place::new();
    place.call(&["web", "sim.ron", "-o", "page"]).expect(0, "");
    let before = place.read("page/index.html");
    place.call(&["web", "sim.ron", "-o", "page", "--seed", "9"]).expect(0, "");
    assert_ne!(place.read("page/index.html"), before);
    fs::write(place.path("page/mine.txt"), "mine").unwrap();
    place.refuses(&["web", "sim.ron", "-o", "page"], 2, "other things | mine.txt | -o");
    fs::create_dir(place.path("site")).unwrap();
    fs::write(place.path("site/index.html"), "<p>another page").unwrap();
    place.refuses(&["web", "sim.ron", "-o", "site"], 2, "other things | index.html");
    place.refuses(&["web", "sim.ron", "-o", "sim.ron"], 5, "sim.ron");
    // An empty folder is as good as none.
    fs::create_dir(place.path("empty")).unwrap();
    place.call(&["web", "sim.ron", "-o", "empty"]).expect(0, "");
}

#[test]
fn what_a_page_cannot_do_is_refused() {
    let place = Place::new();
    let to = ["-o", "page"];
    let refuses = |scene: &str, more: &[&str], code, words: &str| {
        place.refuses(&[&["web", scene], &to[..], more].concat(), code, words);
    };
    refuses("train.ron", &[], 2, "`training` | a page runs simulations");
    refuses(&shipped("working_memory"), &[], 2, "`stages` | scene.ron");
    refuses(&shipped("reward"), &[], 2, "modulators.dopamine | `Pair`");
    refuses("none.ron", &[], 2, "none.ron");
    refuses("sim.ron", &["--set", "populations.exc.size=0"], 2, "populations.exc.size");
    refuses("sim.ron", &["--seed", "x"], 2, "--seed");
    // The ring of what arrives would be too large for a binding.
    refuses(
        &shipped("coba"),
        &["--set", "projections.0.delay=\"3 s\""],
        4,
        "the longest delay is 30000 steps | 134217728 | lower the delay",
    );
    place.refuses(&["web", "sim.ron"], 2, "--out");
    let moving = edit(
        SIMULATION,
        "weight: 20, delay: 1.5)",
        "weight: 20, delay: 1.5, learn: Stdp(w_max: 40, axonal: 0), rewire: (below: 1, weight: 5, every: 100))",
    );
    fs::write(place.path("moving.ron"), moving).unwrap();
    refuses("moving.ron", &[], 2, "`rewire` of projections.exc->exc | moved by the host");
}

// ---- In a browser ---------------------------------------------------------------------------------

/// A scene as the page has it.
struct Exported {
    scene: Scene,
    network: Network,
    plan: Plan,
}

impl Exported {
    fn new(path: &str, set: &[String]) -> Self {
        let set: Vec<Override> = set.iter().map(|text| text.parse().unwrap()).collect();
        let (scene, ..) = load(Path::new(path), &set).unwrap_or_else(|e| panic!("{e}"));
        let network = build(&scene).unwrap_or_else(|e| panic!("{e}"));
        let options = simulation::options(&scene, &network, MAX_BINDING).unwrap();
        let options = SimulationOptions { samples: Vec::new(), workgroups: true, ..options };
        let plan = plan::plan(&network, &options).unwrap_or_else(|e| panic!("{e}"));
        Self { scene, network, plan }
    }

    /// Steps and neurons of the spikes of each population, and the weights of what learns, on a software adapter.
    fn simulated(&self, found: &neuralearn::engine::gpu::Found, steps: u64) -> Simulated {
        let engine: Box<dyn Engine> = Box::new(common::gpu(found, &self.plan));
        let mut scene = self.scene.clone();
        scene.record = Default::default();
        scene.record.spikes = self.network.populations.iter().map(|p| p.name.clone()).collect();
        let mut simulation = Simulation::new(&self.network, &self.plan, &scene, engine).unwrap();
        simulation.run(steps, &mut |_| true).unwrap();
        let step = |ms: f64| (ms / self.network.dt).round() as u64 - 1;
        let activities = simulation.recording.populations.iter();
        let spikes = activities.map(|a| a.times.iter().map(|(t, id)| (step(*t), *id)).collect());
        let spikes = spikes.collect();
        Simulated { spikes, weights: simulation.weights().unwrap() }
    }
}

struct Simulated {
    spikes: Vec<Vec<(u64, u32)>>,
    weights: Vec<(String, Vec<f32>)>,
}

/// Runs windows of these many steps, after what `begin` does, and sends home spikes and the arrays of weights.
fn script(windows: &[usize], begin: &str) -> String {
    format!(
        "<script type=\"module\">
        const said = {{ spikes: [], weights: [], trouble: null }};
        try {{
          await ready;
          await page.pause();
          await page.reset();
          said.spikes = page.page.view.populations.map(() => []);
          {begin}
          for (const steps of {windows:?}) {{
            let window;
            await page.exclusive(async () => {{ window = await page.advance(steps); }});
            window.spikes.forEach((places, k) => {{
              for (let i = 0; i < places.length; i += 2) said.spikes[k].push([window.start + places[i], places[i + 1]]);
            }});
          }}
          for (const {{ arrays }} of page.page.view.weights) {{
            const found = await Promise.all(arrays.map(async ([array]) =>
              [...(await page.device.read([[array, page.page.device.arrays[array].len]]))[0]]));
            said.weights.push(found);
          }}
          said.cost = page.msPerStep;
          said.status = element(\"status\").textContent;
        }} catch (error) {{ said.trouble = String(error); }}
        await fetch(\"said\", {{ method: \"POST\", body: JSON.stringify(said) }});
        </script>"
    )
}

/// What the page of a scene says to a script that is added to it.
fn visited(browser: &str, place: &Place, path: &str, set: &[String], script: &str) -> Value {
    let mut args = vec!["web", path, "-o", "page"];
    set.iter().for_each(|set| args.extend(["--set", set]));
    place.call(&args).expect(0, "");
    let text = |name: &str| String::from_utf8(place.read(&format!("page/{name}"))).unwrap();
    let pages = vec![
        ("/", "text/html", text("index.html").replace("</body>", &format!("{script}</body>"))),
        ("/network.js", "text/javascript", text("network.js")),
    ];
    let said = visitor::ask(browser, pages);
    assert_eq!(said["trouble"], Value::Null, "{said}");
    assert_eq!(said["status"], "", "the page is in trouble");
    said
}

/// Spikes of each population as a page tells them.
fn spikes_of(said: &Value) -> Vec<Vec<(u64, u32)>> {
    let spike = |spike: &Value| (spike[0].as_u64().unwrap(), spike[1].as_u64().unwrap() as u32);
    let of = |population: &Value| list(population).iter().map(spike).collect();
    list(&said["spikes"]).iter().map(of).collect()
}

/// Asserts that two simulations have the same spikes, and at least so many.
#[track_caller]
fn assert_same_spikes(got: &[Vec<(u64, u32)>], want: &[Vec<(u64, u32)>], least: usize) {
    assert_eq!(got.len(), want.len());
    let all: usize = want.iter().map(Vec::len).sum();
    assert!(all >= least, "{all} spikes say nothing");
    for (k, (got, want)) in got.iter().zip(want).enumerate() {
        let differs = got.iter().zip(want).position(|(a, b)| a != b);
        if let Some(k_th) = differs {
            panic!("population {k}, spike {k_th}: {:?} is not {:?}", got[k_th], want[k_th]);
        }
        assert_eq!(got.len(), want.len(), "population {k}");
    }
    println!("{all} spikes are the same");
}

/// A browser and the adapter with which it is compared.
fn both(test: &str) -> Option<(String, neuralearn::engine::gpu::Found)> {
    Some((visitor::browser(test)?, adapter(test)?))
}

fn owned(set: &[&str]) -> Vec<String> {
    set.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_browser_has_the_spikes_of_the_software_adapter() {
    let Some((browser, found)) = both("a browser has the spikes of the software adapter") else {
        return;
    };
    let place = Place::new();
    // Windows of other sizes than those of the engine.
    let windows = [100, 1, 99, 300];
    let path = shipped("coba");
    let said = visited(&browser, &place, &path, &[], &script(&windows, ""));
    let want = Exported::new(&path, &[]).simulated(&found, windows.iter().sum::<usize>() as u64);
    assert_same_spikes(&spikes_of(&said), &want.spikes, 2000);
    println!("{} ms per step", said["cost"]);
}

#[test]
fn synapses_learn_the_same_in_a_browser() {
    let Some((browser, found)) = both("synapses learn the same in a browser") else { return };
    let place = Place::new();
    let windows = [500; 4];
    let path = shipped("stdp_song");
    let said = visited(&browser, &place, &path, &[], &script(&windows, ""));
    let exported = Exported::new(&path, &[]);
    let want = exported.simulated(&found, windows.iter().sum::<usize>() as u64);
    assert_same_spikes(&spikes_of(&said), &want.spikes, 2500);
    let (name, want) = &want.weights[0];
    let tiles = &exported.plan.simulation().live[0].as_ref().unwrap().weights;
    let contents: Vec<Vec<f32>> = list(&said["weights"][0])
        .iter()
        .map(|array| list(array).iter().map(|x| f32::from_bits(number(x) as u32)).collect())
        .collect();
    let got = tiles.unpack(&contents);
    let start = exported.network.projections[0].synapses.weights();
    let moved = want.iter().zip(start).filter(|(w, start)| **w != **start as f32).count();
    assert!(moved > 500, "{moved} weights have changed");
    let same = got.iter().zip(want).filter(|(a, b)| a == b).count();
    println!("{same} of {} weights of {name} are the same", want.len());
    assert_eq!(same, want.len());
}

#[test]
fn currents_and_given_spikes_are_written_by_the_page_as_by_the_host() {
    let Some((browser, found)) = both("currents and given spikes of a page") else { return };
    let place = Place::new();
    let scene = r#"(
        version: 1,
        simulation: (dt: 0.5, duration: 400, seed: 1),
        populations: {
            "given": (size: 40, model: Regular(start: 3, interval: 7.5)),
            "exc": (size: 70, model: Lif()),
        },
        projections: [(from: "given", to: "exc", connect: FixedProbability(p: 0.3), weight: 90, delay: 1)],
        stimuli: [
            (to: "exc", input: Step(amplitude: 200, start: 20, stop: 150)),
            (to: "exc", input: Ramp(from: 0, to: 500, start: 50, stop: 380)),
            (to: "exc", input: Sine(amplitude: 300, frequency: 25)),
            (to: "exc", input: Step(amplitude: Linspace(from: 0, to: 300), start: 100)),
        ],
    )"#;
    fs::write(place.path("driven.ron"), scene).unwrap();
    let path = place.path("driven.ron").display().to_string();
    let windows = [30, 170, 1, 599];
    let said = visited(&browser, &place, &path, &[], &script(&windows, ""));
    let want = Exported::new(&path, &[]).simulated(&found, 800);
    assert_same_spikes(&spikes_of(&said), &want.spikes, 2000);
}

#[test]
fn sliders_do_what_other_numbers_in_the_scene_do() {
    let Some((browser, found)) = both("sliders of a page") else { return };
    let place = Place::new();
    let path = place.path("sim.ron").display().to_string();
    let steps = 400;
    let moved = |label: &str, factor: f64| {
        let begin = format!(
            "const k = page.controls.controls.findIndex(({{ label }}) => label === {label:?});
             page.controls.move(k, page.controls.controls[k].factors.indexOf({factor}));"
        );
        let said = visited(&browser, &place, &path, &[], &script(&[steps], &begin));
        spikes_of(&said)
    };
    let wanted = |set: &str| Exported::new(&path, &owned(&[set])).simulated(&found, steps as u64);
    // Of sources, and of weights that are a power of two times those of the scene: no unit of the ring changes then.
    let faster = wanted("populations.noise.model.rate=150");
    assert_same_spikes(&moved("rate of noise", 1.5), &faster.spikes, 500);
    let none = wanted("projections.noise->exc.weight=0");
    assert_same_spikes(&moved("noise->exc", 0.0), &none.spikes, 500);
    assert!(none.spikes[1].is_empty(), "nothing else makes them spike");
    let more = wanted("projections.noise->exc.weight=90");
    assert_same_spikes(&moved("noise->exc", 1.5), &more.spikes, 1200);
    let half = wanted("projections.exc->exc.weight=10");
    assert_same_spikes(&moved("exc->exc", 0.5), &half.spikes, 820);
}

#[test]
fn buttons_run_step_and_reset() {
    let Some(browser) = visitor::browser("buttons of a page run, step and reset") else { return };
    let place = Place::new();
    let script = r#"<script type="module">
        const said = { trouble: null };
        const time = () => page.time.now;
        const until = async (is) => {
          for (let k = 0; k < 600 && !is(); k++) await new Promise((then) => setTimeout(then, 50));
        };
        try {
          await ready;
          await until(() => time() > 0);
          said.alive_ms = performance.now();
          element("run").click();
          await page.queue;
          said.paused = [time(), element("run").textContent];
          element("step").click();
          await page.queue;
          await page.queue;
          said.stepped = time();
          document.dispatchEvent(new KeyboardEvent("keydown", { key: ".", bubbles: true }));
          await page.queue;
          await page.queue;
          said.keyed = time();
          element("reset").click();
          await page.queue;
          said.reset = time();
          element("run").click();
          await until(() => time() > 20);
          said.runs = time();
          said.rates = element("populations").textContent;
          await page.pause();
          said.status = element("status").textContent;
          const named = (node) => document.getElementById(node.getAttribute("aria-labelledby"))?.textContent;
          const all = [...document.querySelectorAll("input, select, button, canvas")].filter((node) => !node.hidden);
          const unlabelled = all.filter((node) => !(node.labels?.length || node.textContent || named(node)));
          said.unlabelled = unlabelled.map((node) => node.outerHTML);
        } catch (error) { said.trouble = String(error); }
        await fetch("said", { method: "POST", body: JSON.stringify(said) });
        </script>"#;
    let said = visited(&browser, &place, "sim.ron", &[], script);
    let paused = number(&said["paused"][0]);
    assert!(paused > 0 && said["paused"][1] == "Run", "{said}");
    assert_eq!(number(&said["stepped"]), paused + 1, "{said}");
    assert_eq!(number(&said["keyed"]), paused + 2, "{said}");
    assert_eq!(said["reset"], 0, "{said}");
    assert!(number(&said["runs"]) > 20, "{said}");
    assert!(said["rates"].as_str().unwrap().contains("Hz"), "{said}");
    assert!(list(&said["unlabelled"]).is_empty(), "{said}");
    println!("alive after {} ms", said["alive_ms"]);
}
