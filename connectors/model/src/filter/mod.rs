//! The `where` language as a tree.
//!
//! NULL follows SQL's three-valued logic: a comparison with NULL is unknown, and the negation of unknown is unknown,
//! so rows whose column is NULL are left out on both sides of a `$not`.

mod cast;
mod parse;

pub use cast::{Cast, Typed, cast};
pub use parse::{MAX_DEPTH, MAX_NODES, Names, parse};

/// A condition on a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every one holds; an empty list is true.
    And(Vec<Filter>),
    /// At least one holds; an empty list is false.
    Or(Vec<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
    /// One column's value passes a test.
    Column(String, Test),
}

impl Filter {
    /// The filter that every row passes.
    pub const TRUE: Filter = Filter::And(Vec::new());
    /// The filter that no row passes.
    pub const FALSE: Filter = Filter::Or(Vec::new());

    /// Whether it is certain that every row passes.
    pub fn is_true(&self) -> bool {
        match self {
            Filter::And(parts) => parts.iter().all(Filter::is_true),
            _ => false,
        }
    }

    /// Calls `visit` with every column the filter looks at, in the order they are written.
    ///
    /// # Errors
    /// The first error that `visit` returns.
    pub fn visit_columns<E>(&self, visit: &mut impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        match self {
            Filter::And(parts) | Filter::Or(parts) => {
                parts.iter().try_for_each(|part| part.visit_columns(visit))
            }
            Filter::Not(part) => part.visit_columns(visit),
            Filter::Column(name, _) => visit(name),
        }
    }
}

/// What a column's value is held against.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Equal; NULL means IS NULL.
    Equal(Operand),
    /// Not equal; NULL means IS NOT NULL.
    NotEqual(Operand),
    /// An ordering comparison; the operand is never NULL.
    Compare(Comparison, Operand),
    /// One of these; a NULL among them also matches NULL.
    In(Vec<Operand>),
    /// None of these; a NULL among them also leaves NULL out.
    NotIn(Vec<Operand>),
    /// Text of a certain form.
    Text(TextTest, String),
    /// A text operator whose operand is no text: no row passes.
    Never,
    /// IS NOT NULL (true) or IS NULL (false).
    Exists(bool),
}

/// The ordering comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
}

impl Comparison {
    /// The operator in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
        }
    }

    /// The operator in a `where`.
    pub fn operator(self) -> &'static str {
        match self {
            Comparison::Greater => "$gt",
            Comparison::GreaterOrEqual => "$gte",
            Comparison::Less => "$lt",
            Comparison::LessOrEqual => "$lte",
        }
    }
}

/// The text tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextTest {
    /// The caller's `%` and `_`, backslash escapes, case counts.
    Like,
    /// The caller's `%` and `_`, backslash escapes, case does not count.
    ILike,
    /// Literally inside, case does not count.
    Contains,
    /// Literally at the beginning, case does not count.
    StartsWith,
    /// Literally at the end, case does not count.
    EndsWith,
}

/// A scalar as the caller wrote it.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
}
