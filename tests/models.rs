//! Level 6: `neuralearn models` against the grammar. Each word of a choice, by its own name or that of another
//! simulator, is in the text; each word that the text writes like a choice is one.

use neuralearn::scene::*;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::fmt::Debug;

const TEXT: &str = include_str!("../src/cli/models.txt");

/// The words among which a scene chooses, as the reader knows them.
fn choices<T: DeserializeOwned + Debug>() -> &'static [&'static str] {
    match ron::from_str::<T>("NoSuchWord()").unwrap_err().code {
        ron::Error::NoSuchEnumVariant { expected, .. } => expected,
        other => panic!("{other}"),
    }
}

fn grammar() -> BTreeSet<&'static str> {
    let choices = [
        choices::<Model>(),
        choices::<Channel>(),
        choices::<Gate>(),
        choices::<Rate>(),
        choices::<Ion>(),
        choices::<Receptor>(),
        choices::<Method>(),
        choices::<Reset>(),
        choices::<Encoder>(),
        choices::<Positions>(),
        choices::<Connect>(),
        choices::<DistanceKernel>(),
        choices::<Weight>(),
        choices::<Learn>(),
        choices::<Pairing>(),
        choices::<Release>(),
        choices::<Effect>(),
        choices::<Input>(),
        choices::<Data>(),
        choices::<Loss>(),
        choices::<Over>(),
        choices::<Optimizer>(),
        choices::<Schedule>(),
        choices::<Surrogate>(),
    ];
    let mut words: BTreeSet<&str> = choices.into_iter().flatten().copied().collect();
    // Distributions, beside which a number may stand alone.
    words.extend(["Normal", "Uniform", "Power", "File", "Distance"]);
    words
}

#[test]
fn every_word_of_the_grammar_is_explained() {
    let text: BTreeSet<&str> = TEXT.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let missing: Vec<&str> = grammar().into_iter().filter(|word| !text.contains(word)).collect();
    assert!(missing.is_empty(), "`neuralearn models` lacks {missing:?}");
}

#[test]
fn every_word_that_is_explained_is_in_the_grammar() {
    let grammar = grammar();
    for (end, _) in TEXT.match_indices('(') {
        let before = &TEXT[..end];
        let start = before.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
        let word = &before[start..];
        if word.starts_with(|c: char| c.is_ascii_uppercase()) {
            assert!(
                grammar.contains(word),
                "`neuralearn models` has {word}, which a scene may not"
            );
        }
    }
}
