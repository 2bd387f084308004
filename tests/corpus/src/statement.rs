//! Whether a text is a statement of ours.

use connector_model::filter::Typed;
use connector_sql::{Dialect, Statement, Value};

/// A text that stands in quotes: where it begins and ends.
const QUOTES: [(char, char); 4] = [('"', '"'), ('`', '`'), ('[', ']'), ('\'', '\'')];

/// What may stand outside quotes besides letters and digits.
const PUNCTUATION: &str = " ,.()=<>+-*/%$?@:;|_[]\n\\";

/// Panics unless brackets and quotes close, nothing outside of quotes is foreign, and there is one statement.
pub(crate) fn check(dialect: &dyn Dialect, statement: &Statement) {
    let text = &statement.text;
    let mut depth = 0_i64;
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if let Some((_, end)) = QUOTES.iter().find(|(begin, _)| *begin == character) {
            loop {
                match rest.next() {
                    Some(inside) if inside == *end => match rest.peek() {
                        // A doubled quote is one inside.
                        Some(next) if next == end => drop(rest.next()),
                        _ => break,
                    },
                    Some(_) => {}
                    None => fail("a quote does not close", text),
                }
            }
            continue;
        }
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ';' => fail("there is more than one statement", text),
            '-' if rest.peek() == Some(&'-') => fail("it holds a comment", text),
            '/' if rest.peek() == Some(&'*') => fail("it holds a comment", text),
            _ if character.is_ascii_alphanumeric() || PUNCTUATION.contains(character) => {}
            _ => fail("something foreign stands outside of quotes", text),
        }
        if depth < 0 {
            fail("a bracket closes that was not open", text);
        }
    }
    if depth != 0 {
        fail("a bracket does not close", text);
    }
    for param in &statement.params {
        let values: &[Typed] = match &param.value {
            Value::One(value) => std::slice::from_ref(value),
            Value::List(values) => values,
        };
        if let Some(unstorable) = values.iter().find(|value| !dialect.storable(value)) {
            fail(&format!("a parameter is none of this engine: {unstorable:?}"), text);
        }
    }
}

#[allow(clippy::panic, reason = "a target fails by panicking")]
fn fail(what: &str, text: &str) -> ! {
    panic!("{what}: {text}")
}
