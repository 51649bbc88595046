//! Levels 0 and 1: every shader assembles, parses and validates, for every option that a plan can
//! choose, can be written in the languages of all platforms, and is taken by the compilers of browsers as
//! far as can be told without them; every array and option of a kernel is used by its shader; nothing
//! lacks its twin. No device is needed.

#[path = "shaders/browser.rs"]
mod browser;
#[path = "shaders/operators.rs"]
mod operators;
#[path = "common/visitor.rs"]
mod visitor;

use naga::back::{hlsl, msl, spv};
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, GlobalUse, ModuleInfo, ValidationFlags, Validator};
use neuralearn::engine::shader::{DECLARATIONS, KERNELS, Source};
use neuralearn::kernel::{Kernel, Place};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn module(kernel: &Kernel) -> naga::Module {
    let source = Source::assemble(kernel).unwrap_or_else(|e| panic!("{e}"));
    source.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn validate(module: &naga::Module) -> Result<ModuleInfo, String> {
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(module)
        .map_err(|e| format!("{:?}", e.into_inner()))
}

/// Every value that a plan gives an option.
fn values(option: &str) -> &'static [f64] {
    match option {
        "soft" => &[0.0, 1.0, 2.0],
        "attached" => &[0.0, 1.0, 2.0, 3.0],
        "over" | "reset" | "images" | "values" | "nonlinear" | "adex" | "shared" | "carry"
        | "half_steps" | "own_receptors" | "nearest" | "short_term" | "dense" | "sliding"
        | "slow" | "largest" | "pulls" | "end" | "narrow" | "by_times" | "silent" => &[0.0, 1.0],
        "tile" => &[256.0],
        "row_words" => &[6.0],
        "interval" => &[15.0],
        "bounded" => &[0.0, 1.0, 2.0],
        "form" => &[0.0, 1.0, 2.0, 3.0],
        "surrogate" => &[0.0, 1.0, 2.0, 3.0, 4.0],
        other => panic!("say which values `{other}` takes"),
    }
}

/// Constants of a pipeline, by name.
type Form = BTreeMap<String, f64>;

/// Every form of a kernel: each value of each of its options, with each of the others.
fn forms(kernel: &Kernel) -> Vec<Form> {
    let mut forms = vec![Form::from([("WG".to_owned(), f64::from(kernel.workgroup))])];
    for option in kernel.params.iter().filter(|f| f.place == Place::Option) {
        let with = |form: &Form, value: f64| {
            let mut form = form.clone();
            form.insert(option.name.to_uppercase(), value);
            form
        };
        let chosen =
            forms.iter().flat_map(|form| values(option.name).iter().map(|x| with(form, *x)));
        forms = chosen.collect();
    }
    forms
}

/// SPIR-V for Vulkan, MSL for Metal, HLSL for both compilers of DX12.
fn write(module: &naga::Module, info: &ModuleInfo) -> Result<(), String> {
    // Indices out of bounds are held at the last element, as wgpu asks for.
    let restrict = BoundsCheckPolicy::Restrict;
    let checks = BoundsCheckPolicies { index: restrict, buffer: restrict, ..Default::default() };
    let vulkan = spv::Options { bounds_check_policies: checks, ..Default::default() };
    let words = spv::write_vec(module, info, &vulkan, None).map_err(|e| format!("SPIR-V: {e}"))?;
    assert!(!words.is_empty());
    let metal =
        msl::Options { lang_version: (2, 0), bounds_check_policies: checks, ..Default::default() };
    let (text, written) = msl::write_string(module, info, &metal, &msl::PipelineOptions::default())
        .map_err(|e| format!("MSL: {e}"))?;
    assert!(text.contains("kernel void"));
    written.entry_point_names[0].as_ref().map_err(|e| format!("MSL: {e}"))?;
    for shader_model in [hlsl::ShaderModel::V5_1, hlsl::ShaderModel::V6_0] {
        let fail = |e: &dyn std::fmt::Display| format!("HLSL {}: {e}", shader_model.to_str());
        let options = hlsl::Options { shader_model, ..Default::default() };
        let main = hlsl::PipelineOptions::default();
        let mut text = String::new();
        let written = hlsl::Writer::new(&mut text, &options, &main).write(module, info, None);
        let written = written.map_err(|e| fail(&e))?;
        assert!(text.contains("[numthreads("));
        written.entry_point_names[0].as_ref().map_err(|e| fail(e))?;
    }
    Ok(())
}

#[test]
fn every_shader_is_valid_in_every_form_and_can_be_written_for_every_platform() {
    assert!(KERNELS.len() >= 24);
    for kernel in KERNELS {
        let module = module(kernel);
        let info = validate(&module).unwrap_or_else(|e| panic!("{}: {e}", kernel.name));
        for form in forms(kernel) {
            let name = format!("{} with {form:?}", kernel.name);
            let main = Some((naga::ShaderStage::Compute, "main"));
            let constants = form.into_iter().collect();
            let (resolved, _) =
                naga::back::pipeline_constants::process_overrides(&module, &info, main, &constants)
                    .unwrap_or_else(|e| panic!("{name}: {e}"));
            let info = validate(&resolved).unwrap_or_else(|e| panic!("{name}: {e}"));
            write(&resolved, &info).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}

#[test]
fn what_cannot_be_written_is_an_error() {
    // Its options have no values.
    let module = module(KERNELS[0]);
    let info = validate(&module).unwrap();
    let fault = write(&module, &info).unwrap_err();
    assert!(fault.starts_with("SPIR-V: "), "{fault}");
}

/// naga takes what browsers refuse; see [`operators`].
#[test]
fn operators_are_not_mixed_without_parentheses() {
    for kernel in KERNELS {
        let source = Source::assemble(kernel).unwrap_or_else(|e| panic!("{e}"));
        if let Some((line, operators)) = operators::faults(&source.text).first() {
            panic!("{}: {operators} without parentheses", source.place(*line));
        }
    }
}

#[test]
fn a_forgotten_or_unknown_option_is_an_error() {
    let kernel = &neuralearn::neuron::iaf::TAPE;
    let module = module(kernel);
    let info = validate(&module).unwrap();
    let main = Some((naga::ShaderStage::Compute, "main"));
    let all = ["WG", "OWN_RECEPTORS", "SOFT", "SURROGATE", "SILENT", "NONLINEAR", "ADEX", "RESET"];
    let with = |names: &[&str]| {
        let constants = names.iter().map(|n| ((*n).to_owned(), 1.0)).collect();
        naga::back::pipeline_constants::process_overrides(&module, &info, main, &constants).is_ok()
    };
    assert!(with(&all));
    assert!(!with(&all[1..]));
    assert!(!with(&[&all[..], &["REST"]].concat()));
}

/// What the table says of an array becomes its declaration; this is about what the shader does with it.
#[test]
fn a_shader_uses_all_that_it_is_given() {
    for kernel in KERNELS {
        assert!(kernel.bound().count() <= 8, "{} has too many storage buffers", kernel.name);
        let module = module(kernel);
        let info = validate(&module).unwrap_or_else(|e| panic!("{}: {e}", kernel.name));
        let main = info.get_entry_point(0);
        for (_, binding) in kernel.bound() {
            let mut variables = module.global_variables.iter();
            let (handle, _) =
                variables.find(|(_, v)| v.name.as_deref() == Some(binding.name)).unwrap();
            let used = main[handle];
            let (read, written) = (GlobalUse::READ, GlobalUse::WRITE);
            let fits = if binding.written { used.contains(written) } else { used.contains(read) };
            assert!(fits, "{}: {} is {used:?}", kernel.name, binding.name);
        }
        let text = Source::assemble(kernel).unwrap().text;
        for (place, array) in kernel.bindings.iter().enumerate().filter(|_| kernel.merges) {
            // Added once: where the array is indexed, or to the one place from which it is.
            let at = format!("params.{}_at", array.name);
            let host = kernel.bindings[kernel.host(place)].name;
            let indexed = text.matches(&format!("{host}[{at}")).count();
            let others = text.matches(&at).count() - indexed;
            let once = if indexed > 0 { others == 0 } else { others == 1 };
            assert!(once, "{}: {at} {indexed} and {others} times", kernel.name);
        }
        // Where shaders are linked, arrays have one name, and what is called as one of them would hide the others.
        for (_, array) in kernel.bound().filter(|_| kernel.merges) {
            for local in ["let X ", "let X:", "var X ", "var X:", "(X: ", ", X: "] {
                let local = local.replace('X', array.name);
                assert!(!text.contains(&local), "{}: `{local}` hides an array", kernel.name);
            }
        }
        for option in kernel.params.iter().filter(|field| field.place == Place::Option) {
            let name = option.name.to_uppercase();
            // Once where it is declared.
            assert!(text.matches(&name).count() > 1, "{}: {name} is not used", kernel.name);
        }
    }
}

#[test]
fn every_shader_is_used_and_has_a_twin() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shaders = BTreeSet::new();
    for area in std::fs::read_dir(root.join("shaders")).unwrap().flatten() {
        let name = area.file_name().into_string().unwrap();
        for file in std::fs::read_dir(area.path()).unwrap().flatten() {
            shaders.insert(format!("{name}/{}", file.file_name().into_string().unwrap()));
        }
    }
    // What declarations are made with.
    let declared = ["alone", "call", "linked", "linked_launch", "merged"];
    let declared = declared.map(|name| format!("lib/{name}.wgsl"));
    let mut used = BTreeSet::from(declared);
    for kernel in KERNELS {
        let source = Source::assemble(kernel).unwrap();
        let files: Vec<_> = source.files().into_iter().filter(|f| *f != DECLARATIONS).collect();
        // A neuron's adjoint is in the file of the neuron.
        let own = files.iter().find(|file| !file.starts_with("lib/")).expect("a file of its own");
        let twin = format!("src/{}.rs", own.trim_end_matches(".wgsl"));
        assert!(root.join(&twin).exists(), "{}: no {twin}", kernel.name);
        used.extend(files.into_iter().map(str::to_owned));
    }
    assert_eq!(shaders, used);
}

#[test]
fn errors_name_file_and_line() {
    let mut kernel = Kernel { wgsl: "//!use lib/slow.wgsl\nfn f() { missing(); }", ..*KERNELS[0] };
    kernel.name = "neuron/broken";
    let fault = Source::assemble(&kernel).unwrap().parse().unwrap_err();
    assert!(fault.starts_with("shaders/neuron/broken.wgsl:2: "), "{fault}");
    kernel.wgsl = "//!use lib/nothing.wgsl";
    let fault = Source::assemble(&kernel).err().unwrap();
    assert!(
        fault.contains("neuron/broken.wgsl:1") && fault.contains("lib/nothing.wgsl"),
        "{fault}"
    );
}
