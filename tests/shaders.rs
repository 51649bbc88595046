//! Levels 0 and 1: every shader assembles, parses and validates, for every option that a plan can
//! choose; every parameter, binding and option of a kernel is the shader's; nothing lacks its twin.
//! No device is needed.

use naga::valid::{Capabilities, ValidationFlags, Validator};
use neuralearn::engine::shader::{Access, KERNELS, Source, resources};
use neuralearn::kernel::{Kernel, Kind, Place};
use std::collections::BTreeSet;
use std::path::Path;

fn module(kernel: &Kernel) -> naga::Module {
    let source = Source::assemble(kernel).unwrap_or_else(|e| panic!("{e}"));
    source.parse().unwrap_or_else(|e| panic!("{e}"))
}

fn validate(module: &naga::Module) -> Result<naga::valid::ModuleInfo, String> {
    Validator::new(ValidationFlags::all(), Capabilities::empty())
        .validate(module)
        .map_err(|e| format!("{:?}", e.into_inner()))
}

/// Every value that a plan gives an option.
fn values(option: &str) -> &'static [f64] {
    match option {
        "soft" | "over" => &[0.0, 1.0, 2.0],
        "reset" | "attached" | "images" | "values" | "nonlinear" | "adex" | "shared" | "carry"
        | "half_steps" | "nearest" | "short_term" | "dense" | "sliding" => &[0.0, 1.0],
        "bounded" => &[0.0, 1.0, 2.0],
        "rule" => &[0.0, 1.0, 2.0, 3.0, 4.0],
        "surrogate" => &[0.0, 1.0, 2.0, 3.0, 4.0],
        other => panic!("say which values `{other}` takes"),
    }
}

#[test]
fn every_shader_is_valid_for_every_option() {
    assert!(KERNELS.len() >= 24);
    for kernel in KERNELS {
        let module = module(kernel);
        let info = validate(&module).unwrap_or_else(|e| panic!("{}: {e}", kernel.name));
        let options: Vec<&str> =
            kernel.params.iter().filter(|f| f.place == Place::Option).map(|f| f.name).collect();
        let mut choices = vec![vec![("WG".to_owned(), f64::from(kernel.workgroup))]];
        for option in options {
            choices = choices
                .iter()
                .flat_map(|chosen| {
                    values(option).iter().map(|value| {
                        let mut chosen = chosen.clone();
                        chosen.push((option.to_uppercase(), *value));
                        chosen
                    })
                })
                .collect();
        }
        for chosen in choices {
            let constants = chosen.iter().cloned().collect();
            let (resolved, _) = naga::back::pipeline_constants::process_overrides(
                &module,
                &info,
                Some((naga::ShaderStage::Compute, "main")),
                &constants,
            )
            .unwrap_or_else(|e| panic!("{} with {chosen:?}: {e}", kernel.name));
            validate(&resolved).unwrap_or_else(|e| panic!("{} with {chosen:?}: {e}", kernel.name));
        }
    }
}

#[test]
fn a_forgotten_or_unknown_option_is_an_error() {
    let kernel = &neuralearn::neuron::lif::KERNEL;
    let module = module(kernel);
    let info = validate(&module).unwrap();
    let main = Some((naga::ShaderStage::Compute, "main"));
    let all = ["WG", "CARRY", "RESET", "SOFT", "SURROGATE"];
    let with = |names: &[&str]| {
        let constants = names.iter().map(|n| ((*n).to_owned(), 1.0)).collect();
        naga::back::pipeline_constants::process_overrides(&module, &info, main, &constants).is_ok()
    };
    assert!(with(&all));
    assert!(!with(&all[1..]));
    assert!(!with(&[&all[..], &["CARY"]].concat()));
}

#[test]
fn parameters_are_those_of_the_shader() {
    for kernel in KERNELS {
        let module = module(kernel);
        let (_, params) = module
            .types
            .iter()
            .find(|(_, t)| t.name.as_deref() == Some("Params"))
            .unwrap_or_else(|| panic!("{} has no Params", kernel.name));
        let naga::TypeInner::Struct { members, .. } = &params.inner else {
            panic!("{}: Params is no struct", kernel.name)
        };
        let uniform: Vec<_> = kernel.params.iter().filter(|f| f.place != Place::Option).collect();
        assert_eq!(members.len(), uniform.len(), "{}", kernel.name);
        for (k, (member, field)) in members.iter().zip(&uniform).enumerate() {
            assert_eq!(member.name.as_deref(), Some(field.name), "{}", kernel.name);
            assert_eq!(member.offset as usize, 4 * k, "{}: {}", kernel.name, field.name);
            let scalar = match module.types[member.ty].inner {
                naga::TypeInner::Scalar(scalar) => scalar,
                ref other => panic!("{}: {} is {other:?}", kernel.name, field.name),
            };
            let expected =
                if field.place == Place::Real { naga::Scalar::F32 } else { naga::Scalar::U32 };
            assert_eq!(scalar, expected, "{}: {}", kernel.name, field.name);
        }
        let overrides: BTreeSet<String> =
            module.overrides.iter().filter_map(|(_, o)| o.name.clone()).collect();
        let options = kernel.params.iter().filter(|f| f.place == Place::Option);
        let mut wanted: BTreeSet<String> = options.map(|f| f.name.to_uppercase()).collect();
        wanted.insert("WG".to_owned());
        assert_eq!(overrides, wanted, "{}", kernel.name);
    }
}

#[test]
fn bindings_are_those_of_the_shader() {
    for kernel in KERNELS {
        let module = module(kernel);
        let found: BTreeSet<(String, bool)> = resources(&module)
            .into_iter()
            .filter(|r| r.access != Access::Uniform)
            .map(|r| (r.name, r.access == Access::Write))
            .collect();
        let wanted: BTreeSet<(String, bool)> =
            kernel.bindings.iter().map(|b| (b.name.to_owned(), b.written)).collect();
        assert_eq!(found, wanted, "{}", kernel.name);
        assert!(kernel.bindings.len() <= 8, "{} has too many storage buffers", kernel.name);
        for binding in kernel.bindings {
            let variable = module.global_variables.iter().map(|(_, v)| v);
            let variable =
                variable.into_iter().find(|v| v.name.as_deref() == Some(binding.name)).unwrap();
            let naga::TypeInner::Array { base, .. } = module.types[variable.ty].inner else {
                panic!("{}: {} is no array", kernel.name, binding.name)
            };
            let expected = match binding.kind {
                Kind::Real => naga::Scalar::F32,
                Kind::Word => naga::Scalar::U32,
            };
            // A kernel that adds from many places sees words as atomics.
            let inner = match module.types[base].inner {
                naga::TypeInner::Atomic(scalar) => naga::TypeInner::Scalar(scalar),
                ref other => other.clone(),
            };
            assert_eq!(
                inner,
                naga::TypeInner::Scalar(expected),
                "{}: {}",
                kernel.name,
                binding.name
            );
        }
    }
}

#[test]
fn every_shader_has_a_twin_and_every_twin_a_shader() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut shaders = BTreeSet::new();
    for area in std::fs::read_dir(root.join("shaders")).unwrap().flatten() {
        let name = area.file_name().into_string().unwrap();
        for file in std::fs::read_dir(area.path()).unwrap().flatten() {
            let stem = file.path().file_stem().unwrap().to_string_lossy().into_owned();
            if name != "lib" {
                shaders.insert(format!("{name}/{stem}"));
            }
        }
    }
    let table: BTreeSet<String> = KERNELS.iter().map(|k| k.name.to_owned()).collect();
    assert_eq!(shaders, table);
    for name in table {
        assert!(root.join(format!("src/{name}.rs")).exists(), "no twin for {name}");
    }
}

#[test]
fn errors_name_file_and_line() {
    let mut kernel = Kernel { wgsl: "//!use lib/call.wgsl\nfn f() { missing(); }", ..*KERNELS[0] };
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
