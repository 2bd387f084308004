//! What the server says when a statement cannot be run.

/// The result of evaluating T-SQL.
pub(crate) type Result<T> = std::result::Result<T, SqlError>;

/// One error message, with the numbers that SQL Server gives it (`sys.messages`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SqlError {
    /// The message's number; 0 when the client called the statement off.
    pub(crate) number: u32,
    /// Where in the server's code it was raised.
    pub(crate) state: u8,
    /// The severity.
    pub(crate) class: u8,
    /// The text.
    pub(crate) message: String,
    /// The line of the batch, from 1.
    pub(crate) line: u32,
}

impl SqlError {
    /// An error of severity 16, which is what a user can mend.
    pub(crate) fn new(number: u32, message: impl Into<String>) -> Self {
        Self { number, state: 1, class: 16, message: message.into(), line: 1 }
    }

    /// Text that is not understood.
    pub(crate) fn syntax(near: &str) -> Self {
        Self { class: 15, ..Self::new(102, format!("Incorrect syntax near '{near}'.")) }
    }

    /// T-SQL that SQL Server may know, but this double does not.
    pub(crate) fn unsupported(what: &str) -> Self {
        Self {
            class: 15,
            state: 99,
            ..Self::new(102, format!("Incorrect syntax near '{what}' (the double does not know it)."))
        }
    }

    /// The client sent an attention signal.
    pub(crate) fn cancelled() -> Self {
        Self::new(0, "The statement was called off.")
    }

    /// Whether this is not an error, but the client's wish.
    pub(crate) const fn is_cancelled(&self) -> bool {
        self.number == 0
    }

    /// The same error at a line of the batch.
    pub(crate) fn at_line(self, line: u32) -> Self {
        Self { line, ..self }
    }

    /// A text that is no value of the type it is converted to.
    pub(crate) fn conversion(from: &str, to: &str) -> Self {
        Self::new(8114, format!("Error converting data type {from} to {to}."))
    }

    /// A number that does not fit its type.
    pub(crate) fn overflow(to: &str) -> Self {
        Self {
            state: 2,
            ..Self::new(8115, format!("Arithmetic overflow error converting expression to data type {to}."))
        }
    }
}
