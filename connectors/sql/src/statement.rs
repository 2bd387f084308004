//! SQL text with typed parameters.

use connector_model::filter::Typed;

/// The type a parameter is sent as. Engines without declared parameter types look at the value alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the SQL type of that name")]
pub enum ParamType {
    Boolean,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytes,
    Date,
    Time,
    Timestamp,
    TimestampTz,
    Uuid,
}

/// What a parameter holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// One value.
    One(Typed),
    /// A list, sent as one array.
    List(Vec<Typed>),
}

/// One bound parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// The value.
    pub value: Value,
    /// The type, of the elements where it is a list.
    pub kind: ParamType,
}

/// A statement: text, and the parameters it refers to by number.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Statement {
    /// The SQL text.
    pub text: String,
    /// The parameters, the first is number 1.
    pub params: Vec<Param>,
}

impl Statement {
    /// Appends text.
    pub fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Binds a parameter and returns its number.
    pub fn bind(&mut self, value: Value, kind: ParamType) -> usize {
        self.params.push(Param { value, kind });
        self.params.len()
    }
}
