//! Level 6: `neuralearn models` says what a scene may say.

use neuralearn::grammar::{Block, Content, Kind, Value, ron_options};
use neuralearn::scene::*;
use std::fmt::Debug;
use std::process::{Command, Output};

fn models(words: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_neuralearn");
    Command::new(program).arg("models").args(words).output().unwrap()
}

fn said(words: &[&str]) -> String {
    let output = models(words);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What is printed as the default of a field is what a scene gets that leaves the field out.
fn defaults_hold<T: Value + Default + Debug + PartialEq>(block: &Block) {
    let given = |field: &neuralearn::grammar::Field| {
        let default = (field.default)().unwrap();
        (!default.is_empty()).then(|| format!("{}: {default}", field.name))
    };
    let given: Vec<_> = block.fields.iter().filter_map(given).collect();
    assert!(!given.is_empty(), "{}", block.name);
    let text = format!("({})", given.join(", "));
    assert_eq!(ron_options().from_str::<T>(&text).unwrap(), T::default(), "{text}");
}

#[test]
fn printed_defaults_are_those_that_are_used() {
    defaults_hold::<Lif>(Lif::BLOCK);
    defaults_hold::<Adex>(Adex::BLOCK);
    defaults_hold::<Izhikevich>(Izhikevich::BLOCK);
    defaults_hold::<Hh>(Hh::BLOCK);
    defaults_hold::<Ions>(Ions::BLOCK);
    defaults_hold::<Readout>(Readout::BLOCK);
}

#[test]
fn every_word_is_listed_and_explained() {
    let all = said(&[]);
    let Kind::Choices(models) = Model::kind() else { panic!() };
    for word in models.words.iter().filter(|word| matches!(word.content, Content::Value(_))) {
        assert!(all.contains(&format!("\n{}( ... )\n", word.name)), "{} has no section", word.name);
    }
    let fields = Scene::kind().fields();
    assert!(fields.len() > 250, "{}", fields.len());
    for field in fields {
        assert!(all.contains(&format!("  {} ", field.name)), "{} is not listed", field.name);
        let doc = field.doc.join(" ");
        assert!(doc.trim().ends_with('.'), "{}: `{doc}`", field.name);
        for alias in field.aliases {
            assert!(all.contains(alias), "{}: {alias} is not listed", field.name);
        }
    }
    // Those of a column stay within it, whatever the length of what they say.
    let longest = all.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(140), "{longest:?}");
}

#[test]
fn one_word_is_explained_alone() {
    let lif = said(&["lif"]);
    assert!(lif.starts_with("Model\n  Lif( ... )") && lif.contains("  v_th "), "{lif}");
    assert!(!lif.contains("Adex"), "{lif}");
    // By the name of a field, or by that which another simulator has for it.
    for word in ["tau_w", "Delta_T"] {
        let found = said(&[word]);
        assert!(found.starts_with("Adex\n") && found.lines().count() == 2, "{found}");
    }
    assert!(said(&["iaf_psc_exp"]).contains("Lif( ... )"));
    let output = models(&["Adx"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("no scene has a word `Adx`; did you mean `Adex`?"), "{error}");
}
