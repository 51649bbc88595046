//! Finds operators that stand beside each other without the parentheses that WGSL's grammar demands. naga
//! does not ask for them; the compilers of browsers do.
//!
//! From the grammar of expressions (<https://www.w3.org/TR/WGSL/#expression-grammar>), for the binary
//! operators of an expression outside of its parentheses:
//! * `&`, `|` and `^` stand with none but themselves: `a & b & c`, but not `a & b | c` or `a & b == c`.
//! * `&&` and `||` do not stand together.
//! * Between those, at most one comparison.
//! * On a side of a comparison, either one shift and nothing else, or any arithmetic.

/// Punctuation of more than one character, the longest first.
const LONG: [&str; 21] = [
    "<<=", ">>=", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "->", "++", "--", "+=", "-=",
    "*=", "/=", "%=", "&=", "|=", "^=",
];
const BINARY: [&str; 18] = [
    "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "&", "|",
    "^",
];
const COMPARISONS: [&str; 6] = ["<", ">", "<=", ">=", "==", "!="];
/// Words that an expression may follow.
const BEFORE: [&str; 6] = ["return", "if", "while", "switch", "case", "else"];
/// Words with a list of types behind them, where `<` is a bracket. A program cannot declare others.
const GENERIC: [&str; 8] = ["array", "atomic", "bitcast", "ptr", "var", "vec2", "vec3", "vec4"];

/// What stands between a pair of brackets, or between commas or semicolons.
#[derive(Default)]
struct Expression {
    close: char,
    operators: Vec<&'static str>,
    /// Whether what was read last is an operand, so that an operator that follows has two.
    operand: bool,
}

/// Line and operators of each expression that lacks parentheses.
pub fn faults(text: &str) -> Vec<(usize, String)> {
    let mut faults = Vec::new();
    let mut open = vec![Expression::default()];
    for (number, line) in text.lines().enumerate() {
        let mut end = |expression: &mut Expression| {
            let operators = std::mem::take(&mut expression.operators);
            if !allowed(&operators) {
                faults.push((number + 1, operators.join(" ")));
            }
            expression.operand = false;
        };
        let mut rest = line.split("//").next().unwrap_or_default().trim_start();
        while let Some(first) = rest.chars().next() {
            let mut length = first.len_utf8();
            let depth = open.len();
            let now = &mut open[depth - 1];
            if first.is_alphanumeric() || first == '_' {
                length = word(rest);
                now.operand = !BEFORE.contains(&&rest[..length]);
                if rest[length..].starts_with('<') && GENERIC.contains(&&rest[..length]) {
                    length += 1;
                    open.push(Expression { close: '>', ..Expression::default() });
                }
            } else if first == '(' || first == '[' {
                let close = if first == '(' { ')' } else { ']' };
                open.push(Expression { close, ..Expression::default() });
            } else if first == now.close {
                end(now);
                open.pop();
                open.last_mut().expect("what closes was opened").operand = true;
            } else {
                let long = LONG.iter().find(|long| rest.starts_with(**long));
                length = long.map_or(length, |long| long.len());
                let operator = BINARY.iter().find(|operator| **operator == &rest[..length]);
                match operator {
                    Some(operator) if now.operand => {
                        now.operators.push(operator);
                        now.operand = false;
                    }
                    // Before an operand: a sign, a reference.
                    Some(_) => {}
                    // What a member belongs to goes on.
                    None if matches!(first, '.' | '!' | '~') => {}
                    None => end(now),
                }
            }
            rest = rest[length..].trim_start();
        }
    }
    faults
}

/// Length of the word or number with which a text begins; the exponent of a number may have a sign.
fn word(text: &str) -> usize {
    let number = text.starts_with(|c: char| c.is_ascii_digit()) && !text.starts_with("0x");
    let mut last = ' ';
    let mut belongs = |c: char| {
        let sign = matches!(c, '+' | '-') && matches!(last, 'e' | 'E');
        last = c;
        c.is_alphanumeric() || c == '_' || (number && (c == '.' || sign))
    };
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Whether an expression may have these binary operators outside of its parentheses.
fn allowed(operators: &[&str]) -> bool {
    let alike = |operators: &[&str]| operators.windows(2).all(|pair| pair[0] == pair[1]);
    if operators.iter().any(|operator| ["&", "|", "^"].contains(operator)) {
        return alike(operators);
    }
    let joins = |operator: &&str| ["&&", "||"].contains(operator);
    let joining: Vec<&str> = operators.iter().copied().filter(|o| joins(o)).collect();
    alike(&joining)
        && operators.split(|o| joins(o)).all(|term| {
            let mut sides = term.split(|operator| COMPARISONS.contains(operator));
            let shifts = |side: &[&str]| side.contains(&"<<") || side.contains(&">>");
            sides.clone().count() <= 2 && sides.all(|side| side.len() == 1 || !shifts(side))
        })
}

#[test]
fn what_the_grammar_refuses_is_found() {
    for (text, operators) in [
        ("if (word >> (k % 32u) & 1u) == 1u {", ">> &"),
        ("let x = a << b + c;", "<< +"),
        ("let x = a + b >> 2u;", "+ >>"),
        ("let x = a << b << c;", "<< <<"),
        ("x = a & b | c;", "& |"),
        ("x = a ^ b & c;", "^ &"),
        ("if a & b == c {", "& =="),
        ("return a && b || c;", "&& ||"),
        ("return a < b == c;", "< =="),
        ("return a & b && c;", "& &&"),
        ("x[a | b + 1u] = 0u;", "| +"),
        ("let x = array<u32, A << B + C>();", "<< +"),
        ("let x = vec2<u32>(f(a), b * c >> d);", "* >>"),
        ("for (var k = 0u; k < n; k = k << 1u | 1u) {", "<< |"),
        ("x = a\n    & b + -c;", "& +"),
        ("x = 1e-3 * b << c;", "* <<"),
        ("x = a - b & c;", "- &"),
        ("while a.x ^ b[0] - 1u {", "^ -"),
    ] {
        let found: Vec<String> = faults(text).into_iter().map(|fault| fault.1).collect();
        assert_eq!(found, [operators], "{text}");
    }
    assert_eq!(faults("let a = b;\nlet c = d & e + f;\n"), [(2, "& +".to_owned())]);
}

#[test]
fn what_the_grammar_takes_is_not() {
    for text in [
        "if ((word >> (k % 32u)) & 1u) == 1u { return; }",
        "let x = a * b + c / d - e % f;",
        "let y = a & b & c; let z = (a & b) | c;",
        "if a < b && c >= d + 1u && !e { x += 1u; }",
        "if a << 1u < b >> 2u { }",
        "return a || b == c || d;",
        "x = -a & ~b; // a + b & c",
        "@group(0) @binding(1) var<storage, read_write> x: array<atomic<u32>>;",
        "fn f(a: ptr<function, f32>) -> vec3<u32> { return bitcast<u32>(i32(round(a))); }",
        "x = select(a + b, c & d, e < f);",
        "x[(a + b) & c] |= y << k;",
        "let e = 1.5e-30 + 2e+3; let h = 0xE - 1;",
        "switch A { case 0u: { return -a; } default: { } }",
        "for (var k = 32u; k > 0u; k--) { f(&a, -b); }",
    ] {
        assert!(faults(text).is_empty(), "{text}: {:?}", faults(text));
    }
}
