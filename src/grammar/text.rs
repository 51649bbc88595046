//! Where things are in the text of a scene.
//!
//! [`scan`] turns RON text into a tree of spans without judging what it means. With it a path such
//! as `populations.exc.model.tau_m` finds its place in the file, to replace a value or to point at
//! a mistake, and a position in the file finds its path.

use std::ops::Range;

/// Brackets may be nested this deep; a scene needs fewer than ten.
const MAX_DEPTH: usize = 64;

/// The candidate that `word` most likely meant, if any is near.
pub fn closest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    candidates
        .into_iter()
        .map(|candidate| {
            let (word, other) = (word.to_lowercase(), candidate.to_lowercase());
            (strsim::normalized_damerau_levenshtein(&word, &other), candidate)
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A value in the text.
#[derive(Debug)]
pub struct Node {
    /// From its first byte, a variant's name included, to after its last.
    pub span: Range<usize>,
    /// What is written between its brackets.
    pub shape: Shape,
    /// The values in it, in order.
    pub fields: Vec<Field>,
}

/// How a value is written; brackets come with the offset after the opening one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// A number, a string, a word.
    Leaf,
    /// `( … )`, maybe after a name.
    Struct(usize),
    /// `[ … ]`.
    List(usize),
    /// `{ … }`.
    Map(usize),
}

/// A value with its place in the value around it.
#[derive(Debug)]
pub struct Field {
    /// Name of a field, key of a map entry, position in a list; empty for the content of a variant.
    pub key: String,
    /// Where the key is written; empty if it is not.
    pub key_span: Range<usize>,
    /// The value.
    pub node: Node,
    /// After the comma that follows, if one does.
    pub end: usize,
}

impl Field {
    /// What to underline: the value, or only its key or first line if it spans several.
    pub fn label(&self, text: &str) -> Range<usize> {
        match text[self.node.span.clone()].find('\n') {
            None => self.node.span.clone(),
            Some(_) if !self.key_span.is_empty() => self.key_span.clone(),
            Some(line) => self.node.span.start..self.node.span.start + line,
        }
    }

    /// What is left of `path` after this field, if the field is the next on it in one of its spellings.
    fn step<'p>(&self, path: &'p str, same: &dyn Fn(&str, &str) -> bool) -> Option<&'p str> {
        if self.key.is_empty() {
            return (!self.node.fields.is_empty()).then_some(path);
        }
        let after = |key: &str| match path.strip_prefix(key)? {
            "" => Some(""),
            rest => rest.strip_prefix('.'),
        };
        let word = path.split('.').next().unwrap_or(path);
        after(&self.key).or_else(|| if same(word, &self.key) { after(word) } else { None })
    }
}

impl Node {
    /// Follows `path` as far as it goes: the fields on the way, and what of the path is left. `same` tells
    /// whether two words are spellings of one field.
    pub fn follow<'p>(
        &self,
        path: &'p str,
        same: &dyn Fn(&str, &str) -> bool,
    ) -> (Vec<&Field>, &'p str) {
        let (mut trail, mut node, mut rest) = (Vec::new(), self, path);
        while !rest.is_empty() {
            let found = match node.shape {
                // Entries of a list have their place as their key.
                Shape::List(_) => {
                    let (word, after) = rest.split_once('.').unwrap_or((rest, ""));
                    let place = word.parse().ok().and_then(|k: usize| node.fields.get(k));
                    place.map(|field| (field, after))
                }
                // Names that a user gave have one spelling.
                Shape::Map(_) => node.step(rest, &|_, _| false),
                Shape::Struct(_) | Shape::Leaf => node.step(rest, same),
            };
            let Some((field, after)) = found else { break };
            trail.push(field);
            (node, rest) = (&field.node, after);
        }
        (trail, rest)
    }

    /// The field that is next on `path`, and what is left of that. Names may contain dots: the longest that fits
    /// is meant.
    fn step<'p>(
        &self,
        path: &'p str,
        same: &dyn Fn(&str, &str) -> bool,
    ) -> Option<(&Field, &'p str)> {
        let steps = self.fields.iter().filter_map(|field| Some((field, field.step(path, same)?)));
        steps.min_by_key(|(_, after)| after.len())
    }

    /// Where the values are that have no others in them, in the order of the text.
    pub fn leaves(&self) -> Vec<Range<usize>> {
        match self.shape {
            Shape::Leaf => vec![self.span.clone()],
            _ => self.fields.iter().flat_map(|field| field.node.leaves()).collect(),
        }
    }

    /// The fields around `offset`, down to the innermost that it touches.
    pub fn touching(&self, offset: usize) -> Vec<&Field> {
        self.descend(|field| (field.key_span.start..=field.node.span.end).contains(&offset))
    }

    /// The fields around `offset`, down to the innermost between whose brackets it is.
    pub fn around(&self, offset: usize) -> Vec<&Field> {
        self.descend(|field| match field.node.shape {
            Shape::Leaf => false,
            Shape::Struct(inside) | Shape::List(inside) | Shape::Map(inside) => {
                (inside..field.node.span.end).contains(&offset)
            }
        })
    }

    /// As [`Node::around`], and then the last field that ends at or before `offset`.
    pub fn before(&self, offset: usize) -> Vec<&Field> {
        let mut trail = self.around(offset);
        let node = trail.last().map_or(self, |field| &field.node);
        trail.extend(node.fields.iter().rfind(|field| field.node.span.end <= offset));
        trail
    }

    fn descend(&self, hit: impl Fn(&Field) -> bool) -> Vec<&Field> {
        let (mut trail, mut node) = (Vec::new(), self);
        while let Some(field) = node.fields.iter().find(|field| hit(field)) {
            trail.push(field);
            node = &field.node;
        }
        trail
    }
}

/// The path that a chain of fields spells.
pub fn path_of(trail: &[&Field]) -> String {
    let keys: Vec<_> =
        trail.iter().map(|field| field.key.as_str()).filter(|key| !key.is_empty()).collect();
    keys.join(".")
}

/// Text that is not RON.
#[derive(Debug)]
pub struct SyntaxError {
    /// Where.
    pub span: Range<usize>,
    /// Why.
    pub message: String,
}

/// Reads the one value that `text` consists of.
pub fn scan(text: &str) -> Result<Node, SyntaxError> {
    let mut scanner = Scanner { text, at: 0, depth: 0 };
    scanner.blank()?;
    while scanner.rest().starts_with("#![") {
        scanner.at += scanner.rest().find(']').map_or(scanner.rest().len(), |end| end + 1);
        scanner.blank()?;
    }
    if scanner.rest().is_empty() {
        return Err(SyntaxError { span: 0..0, message: "there is nothing in it".to_owned() });
    }
    let node = scanner.value()?;
    scanner.blank()?;
    match scanner.peek() {
        None => Ok(node),
        Some(c) => Err(scanner.error(format!("`{c}` follows where the text should end"))),
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn eat_while(&mut self, accept: impl Fn(char) -> bool) {
        self.at += self.rest().find(|c| !accept(c)).unwrap_or(self.rest().len());
    }

    /// An error about the character at the cursor.
    fn error(&self, message: String) -> SyntaxError {
        let end = self.at + self.peek().map_or(0, char::len_utf8);
        SyntaxError { span: self.at..end, message }
    }

    /// Skips white space and comments.
    fn blank(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.eat_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.eat_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                self.block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn block_comment(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let mut open = 0;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                open += 1;
                self.at += 2;
            } else if rest.starts_with("*/") {
                open -= 1;
                self.at += 2;
            } else if let Some(c) = rest.chars().next() {
                self.at += c.len_utf8();
            } else {
                let message = "this comment is never closed with `*/`".to_owned();
                return Err(SyntaxError { span: start..start + 2, message });
            }
            if open == 0 {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<Node, SyntaxError> {
        let start = self.at;
        match self.peek() {
            Some('(' | '[' | '{') => return self.group(start),
            Some('"' | '\'') => self.quoted()?,
            Some(c) if c.is_alphabetic() || c == '_' => {
                self.eat_while(|c| c.is_alphanumeric() || c == '_');
                let word = &self.text[start..self.at];
                if matches!(word, "r" | "b" | "br") && self.rest().starts_with(['"', '#']) {
                    self.raw_string()?;
                } else {
                    let end = self.at;
                    self.blank()?;
                    if self.peek() == Some('(') {
                        return self.group(start);
                    }
                    self.at = end;
                }
            }
            Some(c) if c.is_ascii_digit() || "+-.".contains(c) => {
                self.eat_while(|c| c.is_alphanumeric() || "+-._".contains(c));
            }
            Some(c) => return Err(self.error(format!("a value is expected, not `{c}`"))),
            None => return Err(self.error("the text ends where a value is expected".to_owned())),
        }
        Ok(Node { span: start..self.at, shape: Shape::Leaf, fields: Vec::new() })
    }

    /// A string or character with escapes.
    fn quoted(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        let quote = self.peek();
        let mut escaped = false;
        for (i, c) in self.rest().char_indices().skip(1) {
            if escaped {
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if Some(c) == quote {
                self.at += i + c.len_utf8();
                return Ok(());
            }
        }
        let message = "this text is never closed with a quote".to_owned();
        Err(SyntaxError { span: start..start + 1, message })
    }

    /// `#"…"#` with any number of hashes.
    fn raw_string(&mut self) -> Result<(), SyntaxError> {
        let start = self.at;
        self.eat_while(|c| c == '#');
        let close = format!("\"{}", "#".repeat(self.at - start));
        if !self.eat('"') {
            return Err(self.error("a quote is expected".to_owned()));
        }
        let Some(length) = self.rest().find(&close) else {
            let message = format!("this text is never closed with `{close}`");
            return Err(SyntaxError { span: start..start + 1, message });
        };
        self.at += length + close.len();
        Ok(())
    }

    /// The brackets at the cursor and what is in them; `start` is that of the name before them.
    fn group(&mut self, start: usize) -> Result<Node, SyntaxError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("brackets are nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let bracket = self.at;
        let inside = self.at + 1;
        let (shape, close) = match self.peek() {
            Some('(') => (Shape::Struct(inside), ')'),
            Some('[') => (Shape::List(inside), ']'),
            _ => (Shape::Map(inside), '}'),
        };
        self.at = inside;
        let mut fields = Vec::new();
        loop {
            self.blank()?;
            if self.eat(close) {
                break;
            }
            if self.rest().is_empty() {
                let message = format!("this bracket is never closed with `{close}`");
                return Err(SyntaxError { span: bracket..inside, message });
            }
            let mut field = self.field(shape, fields.len())?;
            self.blank()?;
            let more = self.eat(',');
            field.end = self.at;
            fields.push(field);
            if !more && !self.rest().is_empty() && self.peek() != Some(close) {
                return Err(self.error(format!("`,` or `{close}` is expected here")));
            }
        }
        self.depth -= 1;
        Ok(Node { span: start..self.at, shape, fields })
    }

    fn field(&mut self, shape: Shape, position: usize) -> Result<Field, SyntaxError> {
        let first = self.value()?;
        let end = self.at;
        self.blank()?;
        if !matches!(shape, Shape::List(_)) && self.eat(':') {
            self.blank()?;
            let word = &self.text[first.span.clone()];
            let key = ron::from_str(word).unwrap_or_else(|_| word.to_owned());
            return Ok(Field { key, key_span: first.span, node: self.value()?, end: self.at });
        }
        if matches!(shape, Shape::Map(_)) {
            return Err(self.error("`:` and a value are expected after a key".to_owned()));
        }
        self.at = end;
        let key =
            if matches!(shape, Shape::List(_)) { position.to_string() } else { String::new() };
        let key_span = first.span.start..first.span.start;
        Ok(Field { key, key_span, node: first, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r##"// A scene ( with brackets " in a comment.
(
    simulation: (dt: 0.1, /* nested /* { */ ] */ seed: 1),
    populations: {
        "exc": (n: 80, model: Lif(tau_m: "20 ms", C_m: 250)),
        "exc.deep": (size: 20, model: Lif ( )),
    },
    projections: [(weight: Constant(5.0)), (weight: -2e-3, name: r#"a "b" c"#)],
    training: Some((epochs: 3, mark: '"', text: "a \" ) b\\")),
)"##;

    #[test]
    fn paths_lead_to_values() {
        let tree = scan(TEXT).unwrap();
        for (path, value) in [
            ("simulation.seed", "1"),
            ("populations.exc.size", "80"),
            ("populations.exc.model.tau_m", "\"20 ms\""),
            ("populations.exc.model.c_m", "250"),
            ("populations.exc.deep.size", "20"),
            ("populations.exc.deep.model", "Lif ( )"),
            ("projections.0.weight", "Constant(5.0)"),
            ("projections.1.weight", "-2e-3"),
            ("projections.1.name", r##"r#"a "b" c"#"##),
            ("training.epochs", "3"),
            ("training.mark", "'\"'"),
            ("training.text", r#""a \" ) b\\""#),
        ] {
            let same =
                |a: &str, b: &str| a == b || [a, b] == ["size", "n"] || [a, b] == ["c_m", "C_m"];
            let (trail, rest) = tree.follow(path, &same);
            assert_eq!(
                (&TEXT[trail.last().unwrap().node.span.clone()], rest),
                (value, ""),
                "{path}"
            );
        }
        for (path, left) in [
            ("simulation.duration", "duration"),
            ("populations.inh.size", "inh.size"),
            ("projections.2.weight", "2.weight"),
            ("simulation.dt.x", "x"),
        ] {
            assert_eq!(tree.follow(path, &|a, b| a == b).1, left, "{path}");
        }
    }

    #[test]
    fn positions_lead_to_paths() {
        let tree = scan(TEXT).unwrap();
        let at = |needle: &str| TEXT.find(needle).unwrap();
        assert_eq!(path_of(&tree.touching(at("0.1,"))), "simulation.dt");
        assert_eq!(path_of(&tree.touching(at("tau_m"))), "populations.exc.model.tau_m");
        assert_eq!(path_of(&tree.around(at(")),\n        \"exc.deep"))), "populations.exc.model");
        assert_eq!(path_of(&tree.before(at(", C_m"))), "populations.exc.model.tau_m");
        assert_eq!(path_of(&tree.before(at(", (weight"))), "projections.0");
    }

    #[test]
    fn what_is_not_ron_is_refused_where_it_breaks() {
        for (text, at, reason) in [
            ("", 0, "nothing in it"),
            ("  // only a comment", 0, "nothing in it"),
            ("(a: 1", 0, "never closed with `)`"),
            ("(a: [1, 2)", 9, "`,` or `]` is expected"),
            ("(a: 1 b: 2)", 6, "`,` or `)` is expected"),
            ("(a: )", 4, "a value is expected, not `)`"),
            ("{\"a\"}", 4, "`:` and a value"),
            ("(a: \"b)", 4, "never closed with a quote"),
            ("(a: r#\"b\")", 5, "never closed with `\"#`"),
            ("(a: 1 /* b)", 6, "never closed with `*/`"),
            ("(a: 1))", 6, "follows where the text should end"),
            ("(a:", 3, "the text ends"),
        ] {
            let error = scan(text).unwrap_err();
            assert!(error.message.contains(reason), "{text}: {}", error.message);
            assert_eq!(error.span.start, at, "{text}: {}", error.message);
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(scan(&nested(MAX_DEPTH)).is_ok());
        for text in [nested(MAX_DEPTH + 1), "[".repeat(1_000_000), "a(".repeat(1_000_000)] {
            assert!(scan(&text).unwrap_err().message.contains("nested deeper"));
        }
    }

    #[test]
    fn the_closest_word_is_suggested_if_it_is_close() {
        assert_eq!(closest("tau_n", ["c_m", "tau_m", "g_l"]), Some("tau_m"));
        assert_eq!(closest("epoch", ["epochs", "batch"]), Some("epochs"));
        assert_eq!(closest("lif", ["Lif", "Readout"]), Some("Lif"));
        assert_eq!(closest("zebra", ["c_m", "tau_m"]), None);
    }
}
