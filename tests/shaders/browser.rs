//! Gives every shader to the compiler of a browser, which takes about 20 s on two cores.

use super::{Form, operators, values, visitor};
use neuralearn::engine::shader::{KERNELS, Source};
use neuralearn::kernel::{Kernel, Place};
use serde_json::{Value, json};

/// What the compilers of browsers refuse and naga does not.
const REFUSED: &str = "@compute @workgroup_size(1) fn main() { let x = 4u >> 1u & 1u; }";

#[test]
fn a_browser_takes_every_shader() {
    let Some(browser) = visitor::browser("a browser takes every shader") else { return };
    assert_eq!(operators::faults(REFUSED).len(), 1);
    let mut shaders = vec![json!({"name": "refused", "text": REFUSED, "forms": [{}]})];
    let mut wanted = 0;
    for kernel in KERNELS {
        let forms = some_forms(kernel);
        wanted += forms.len();
        let text = Source::assemble(kernel).unwrap_or_else(|e| panic!("{e}")).text;
        shaders.push(json!({"name": kernel.name, "text": text, "forms": forms}));
    }
    let pages = [
        ("/", "text/html", include_str!("browser.html").to_owned()),
        ("/shaders.json", "application/json", Value::from(shaders).to_string()),
    ];
    let said = visitor::ask(&browser, pages.to_vec());
    let mut faults = Vec::new();
    for fault in said["faults"].as_array().unwrap() {
        let kernel = KERNELS.iter().find(|kernel| fault["name"] == kernel.name);
        let place = kernel.and_then(|kernel| {
            Some(Source::assemble(kernel).ok()?.place(fault["line"].as_u64()? as usize))
        });
        let place = place.unwrap_or_else(|| fault["name"].to_string());
        faults.push(format!("{place}: {}", fault["message"].as_str().unwrap()));
    }
    // The one that must be refused shows that the others were looked at.
    let refused = faults.iter().position(|fault| fault.contains("requires parenthesis"));
    assert!(refused.is_some(), "{browser} does not refuse `{REFUSED}`: {faults:?}");
    faults.remove(refused.unwrap());
    assert!(faults.is_empty(), "{browser} refuses shaders:\n{}", faults.join("\n"));
    assert_eq!(said["pipelines"], wanted, "pipelines");
}

/// Forms of a kernel in which each value of each option occurs: a browser is too slow for each with each.
fn some_forms(kernel: &Kernel) -> Vec<Form> {
    let options = || kernel.params.iter().filter(|f| f.place == Place::Option).map(|f| f.name);
    let most = options().map(|name| values(name).len()).max().unwrap_or(1);
    let form = |k: usize| {
        let own = options().map(|name| (name.to_uppercase(), values(name)[k % values(name).len()]));
        own.chain([("WG".to_owned(), f64::from(kernel.workgroup))]).collect()
    };
    (0..most).map(form).collect()
}
