//! Models that are named once: `models: { "squid": Hh(...) }`, and populations that are `Like(model: "squid", with: (i_e: 5))`.
//!
//! Changes are edits of the model's text, so that they obey its grammar: a group in parentheses or a map without a
//! word before it changes what it names and leaves the rest, anything else takes the place of what was there.

use super::check::Fault;
use super::load::same;
use super::{Model, Scene};
use crate::grammar::text::{Field, Node, Shape, scan};
use crate::grammar::{At, Block, Kind, Rule, Value, Visitor, closest, explain, ron_options};
use ron::value::RawValue;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::path::PathBuf;

/// Fields of a model that are to be others, as they are written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Changes(Box<RawValue>);

impl PartialEq for Changes {
    fn eq(&self, other: &Self) -> bool {
        self.0.get_ron() == other.0.get_ron()
    }
}

impl Value for Changes {
    fn kind() -> Kind {
        Kind::Block(&Block { name: "fields", doc: &[], fields: &[] })
    }
    fn visit(&self, _: &At, _: Rule, _: &mut dyn Visitor) {}
    fn files_mut(&mut self, _: &mut dyn FnMut(&mut PathBuf)) {}
}

/// Puts the models in place to which populations refer. Gives what is wrong with the references.
pub(super) fn resolve(scene: &mut Scene) -> Vec<Fault> {
    let (mut faults, known) = (Vec::new(), &scene.models);
    let mut models = Vec::new();
    for (name, model) in known {
        let mut chain = vec![name.as_str()];
        match resolved(model, known, &format!("models.{name}"), &mut chain) {
            Ok(model) => models.push((name.clone(), model)),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return faults;
    }
    for (name, population) in &mut scene.populations {
        let path = format!("populations.{name}.model");
        match resolved(&population.model, known, &path, &mut Vec::new()) {
            Ok(model) => population.model = model,
            Err(fault) => faults.push(fault),
        }
    }
    scene.models.0 = models;
    faults
}

/// What a model is, if it is like another. `chain` are the names that led to it.
fn resolved<'m>(
    model: &'m Model,
    known: &'m [(String, Model)],
    path: &str,
    chain: &mut Vec<&'m str>,
) -> Result<Model, Fault> {
    let fault = |path: String, message: String, help: Option<String>| Fault { path, message, help };
    let Model::Like { model: name, with } = model else { return Ok(model.clone()) };
    if let Some(first) = chain.iter().position(|known| known == name) {
        let circle: Vec<_> = chain[first..].iter().map(|name| format!("`{name}`")).collect();
        let message =
            format!("{} and `{name}` are like each other, and none is said", circle.join(", "));
        return Err(fault(format!("{path}.model"), message, None));
    }
    let Some((name, base)) = known.iter().find(|(known, _)| known == name) else {
        let names = || known.iter().map(|(known, _)| known.as_str());
        let help = match (closest(name, names()), known.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, true) => format!("add `models: {{ \"{name}\": Lif(...) }}`"),
            (None, false) => format!("the models are {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("there is no model `{name}`");
        return Err(fault(format!("{path}.model"), message, Some(help)));
    };
    chain.push(name);
    let base = resolved(base, known, path, chain)?;
    let Some(Changes(with)) = with else { return Ok(base) };
    let changes = with.get_ron();
    let broken = |message: String| fault(format!("{path}.with"), message, None);
    let node = scan(changes).map_err(|error| broken(error.message))?;
    if !is_group(changes, &node) || !matches!(node.shape, Shape::Struct(_)) {
        let message = "changes are a group of fields, `(i_e: 5)`".to_owned();
        return Err(broken(message));
    }
    given_once(&node, path)?;
    let mut text = ron_options().to_string(&base).map_err(|error| broken(error.to_string()))?;
    let mut model = base;
    for field in &node.fields {
        let tree = scan(&text).map_err(|error| broken(error.message))?;
        text = merged(&text, &tree, changes, std::slice::from_ref(field));
        model = ron_options().from_str(&text).map_err(|error| {
            let value = &changes[field.node.span.clone()];
            let (message, help) = explain(&error.code, value);
            fault(format!("{path}.with.{}", field.key), message, help)
        })?;
    }
    Ok(model)
}

/// Refuses two changes of one field.
fn given_once(node: &Node, path: &str) -> Result<(), Fault> {
    for (k, field) in node.fields.iter().enumerate() {
        if node.fields[..k].iter().any(|earlier| is_same(node, &earlier.key, &field.key)) {
            return Err(Fault {
                path: format!("{path}.with"),
                message: format!("the change of `{}` is given twice", field.key),
                help: Some("keep one; another spelling counts as the same field".to_owned()),
            });
        }
        if !matches!(node.shape, Shape::List(_)) {
            given_once(&field.node, path)?;
        }
    }
    Ok(())
}

/// Whether two keys of a group or map are one: names that a user gave have one spelling.
fn is_same(node: &Node, a: &str, b: &str) -> bool {
    a == b || (matches!(node.shape, Shape::Struct(_)) && same(a, b))
}

/// Whether this is a group or a map without a word before it.
fn is_group(text: &str, node: &Node) -> bool {
    text[node.span.clone()].starts_with(['(', '{'])
}

/// The text of `node` with some fields changed.
fn merged(text: &str, node: &Node, changes: &str, fields: &[Field]) -> String {
    let mut out = text[node.span.clone()].to_owned();
    let origin = node.span.start;
    // From the last to the first, so that what was not changed yet stays where it is.
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for field in fields {
        let value = &changes[field.node.span.clone()];
        let known = node.fields.iter().find(|known| is_same(node, &known.key, &field.key));
        edits.push(match (known, node.shape) {
            (Some(known), _) => {
                let span = known.node.span.clone();
                let of = &known.node;
                let new = match is_group(changes, &field.node) && !matches!(of.shape, Shape::Leaf) {
                    true => merged(text, of, changes, &field.node.fields),
                    false => value.to_owned(),
                };
                (span, new)
            }
            (None, Shape::Map(inside)) => (inside..inside, format!("{:?}: {value}, ", field.key)),
            (None, Shape::Struct(inside) | Shape::List(inside)) => {
                (inside..inside, format!("{}: {value}, ", field.key))
            }
            (None, Shape::Leaf) => (node.span.clone(), value.to_owned()),
        });
    }
    edits.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    for (span, new) in edits {
        out.replace_range(span.start - origin..span.end - origin, &new);
    }
    out
}
