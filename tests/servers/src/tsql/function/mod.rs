//! The functions of T-SQL that look at nothing but their arguments and the session.

mod calendar;
mod json;
mod moment;
mod number;
mod system;
mod text;

use std::cmp::Ordering;
use std::fmt;

pub(crate) use json::{find_path, parse as parse_json};
pub(crate) use moment::{TO_UTC, invalid_part, part_name};
pub(crate) use system::version_text;

use super::bind::Context;
use super::error::Result;
use super::types::{Collation, SqlType};
use super::value::Value;

/// What a function is called with.
pub(crate) struct Arguments<'a> {
    pub(crate) values: &'a [Value],
    pub(crate) types: &'a [SqlType],
    /// The type of the result.
    pub(crate) ty: SqlType,
    pub(crate) context: &'a Context,
}

impl Arguments<'_> {
    /// The argument at a position; NULL when it was not given.
    pub(crate) fn get(&self, position: usize) -> &Value {
        self.values.get(position).unwrap_or(&Value::Null)
    }

    pub(crate) fn text(&self, position: usize) -> Option<&str> {
        match self.get(position) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn int(&self, position: usize) -> Option<i64> {
        match self.get(position) {
            Value::Int(whole) => Some(*whole),
            _ => None,
        }
    }

    pub(crate) fn type_at(&self, position: usize) -> SqlType {
        self.types.get(position).copied().unwrap_or(SqlType::Null)
    }
}

type Run = fn(&Arguments<'_>) -> Result<Value>;

/// A function: its name and what it does.
#[derive(Clone, Copy)]
pub(crate) struct Function {
    name: &'static str,
    run: Run,
    /// Whether it gives NULL as soon as one argument is NULL.
    strict: bool,
}

impl Function {
    const fn strict(name: &'static str, run: Run) -> Self {
        Self { name, run, strict: true }
    }

    const fn lenient(name: &'static str, run: Run) -> Self {
        Self { name, run, strict: false }
    }

    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    pub(crate) fn call(self, arguments: &Arguments<'_>) -> Result<Value> {
        if self.strict && arguments.values.iter().any(Value::is_null) {
            return Ok(Value::Null);
        }
        (self.run)(arguments)
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// What an argument is taken as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Any,
    /// The name of a date's part.
    Part,
    /// Text of the width that it has.
    Text,
    /// Unicode text of any length.
    Unicode,
    Int,
    BigInt,
    Float,
    Number,
    /// A moment, a date or a time; texts are read with their zone.
    Moment,
    /// A moment; texts and numbers are read as `datetime`.
    OldMoment,
    Date,
}

/// The type of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    Type(SqlType),
    /// The type of the argument at a position.
    As(usize),
    /// `int`, or `bigint` for texts of any length.
    Long(usize),
    /// Text as the argument's, of variable length.
    Text(usize),
    /// Text that may be longer than the argument.
    LongText(usize),
    /// A moment with a zone, of the argument's scale.
    Zoned(usize),
}

/// A function as calls find it.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) function: Function,
    /// The fewest and the most arguments.
    pub(crate) arguments: (usize, usize),
    /// The last one holds for all that follow.
    pub(crate) takes: &'static [Takes],
    pub(crate) gives: Gives,
    /// Whether it may give NULL though no argument is.
    pub(crate) nullable: bool,
}

impl Definition {
    const fn new(
        function: Function,
        arguments: (usize, usize),
        takes: &'static [Takes],
        gives: Gives,
    ) -> Self {
        Self { function, arguments, takes, gives, nullable: false }
    }

    const fn nullable(self) -> Self {
        Self { nullable: true, ..self }
    }
}

/// The function of that name, in upper case.
pub(crate) fn find(name: &str) -> Option<&'static Definition> {
    let tables = [text::FUNCTIONS, number::FUNCTIONS, moment::FUNCTIONS, system::FUNCTIONS, json::FUNCTIONS];
    tables.into_iter().flatten().find(|definition| definition.function.name == name)
}

/// CONCAT: NULL is an empty text.
pub(crate) const CONCAT: Function = Function::lenient("CONCAT", |arguments| {
    let texts = (0..arguments.values.len()).filter_map(|position| arguments.text(position));
    Ok(Value::text(texts.collect::<String>()))
});

/// GREATEST: NULL does not count.
pub(crate) const GREATEST: Function =
    Function::lenient("GREATEST", |arguments| Ok(extreme(arguments, Ordering::Greater)));

/// LEAST: NULL does not count.
pub(crate) const LEAST: Function =
    Function::lenient("LEAST", |arguments| Ok(extreme(arguments, Ordering::Less)));

fn extreme(arguments: &Arguments<'_>, wanted: Ordering) -> Value {
    let values = arguments.values.iter().filter(|value| !value.is_null());
    let better = |best: &Value, next: &Value| next.compare(best, Collation::Binary) == wanted;
    values
        .fold(None, |best: Option<&Value>, next| match best {
            Some(best) if !better(best, next) => Some(best),
            _ => Some(next),
        })
        .cloned()
        .unwrap_or(Value::Null)
}
