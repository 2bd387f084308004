//! How a call of a guest fails.

use connector_model::error::{Error, ErrorCode};
use wasmtime::{PoolConcurrencyLimitError, Trap};
use wasmtime_wasi::I32Exit;

use crate::batch::{Fault, MAX_BYTES, Malformed};
use crate::bindings::semilayer::connector::types;
use crate::log::Secrets;
use crate::meter::RunningTimeUp;

/// The most characters of what a guest, or the runtime, says of a failure.
const MAX_WORDS: usize = 1_000;

/// The detail that an error of a lost instance has, and no other.
const TRAP: &str = "trap";

/// Why a call brought nothing.
pub(crate) enum Failure {
    /// The guest answered with an error. It is in order.
    Guest(types::Error),
    /// It did so when it was asked for rows. It is in order too, and its connection may hold the rest of them.
    Midway(types::Error),
    /// It trapped, was stopped, or returned what its interface does not have. It is not entered again.
    Broken(wasmtime::Error),
    /// It returned rows that are none.
    Malformed(Malformed),
    /// It did what its manifest or the contract says it does not.
    Contract(String),
    /// Whoever takes the rows does not want more.
    Refused(Error),
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Self {
        Failure::Broken(error)
    }
}

impl From<types::Error> for Failure {
    fn from(error: types::Error) -> Self {
        Failure::Guest(error)
    }
}

/// Why a module's instance is lost: one word for metrics and `detail.trap`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It needed more memory than it may.
    Memory,
    /// It called itself until the stack ended.
    Stack,
    /// It computed for longer than it may.
    RunningTime,
    /// It gave up itself: a panic, an abort.
    Panic,
    /// Any other trap: an access outside its memory, a division by zero.
    Trap,
    /// It returned, or asked for, what its interface does not have.
    Interface,
    /// It returned rows that are none.
    Rows,
}

impl Loss {
    /// Every one.
    const ALL: [Loss; 7] =
        [Loss::Memory, Loss::Stack, Loss::RunningTime, Loss::Panic, Loss::Trap, Loss::Interface, Loss::Rows];

    /// The word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Loss::Memory => "memory",
            Loss::Stack => "stack",
            Loss::RunningTime => "running_time",
            Loss::Panic => "panic",
            Loss::Trap => "trap",
            Loss::Interface => "interface",
            Loss::Rows => "rows",
        }
    }
}

/// What is known of the instance that was lost.
pub(crate) struct Remains<'a> {
    /// The connector's short name.
    pub(crate) connector: &'a str,
    /// The bytes of memory it may have, if it asked for more.
    pub(crate) memory: Option<usize>,
    /// The last lines that it wrote to standard error, escaped.
    pub(crate) words: Option<String>,
    /// What its source keeps secret.
    pub(crate) secrets: Secrets,
}

/// The error of a job whose guest broke.
pub(crate) fn broken(error: &wasmtime::Error, remains: &Remains<'_>) -> Error {
    if error.is::<PoolConcurrencyLimitError>() {
        let message = "the pool of WASM connectors' instances is used up; lower `pool.max` of their sources, or run \
                       another runner";
        return Error::new(ErrorCode::RunnerBusy, message);
    }
    let (loss, what) = judged(error, remains);
    lost(loss, remains.connector, &what)
}

/// The error of a job whose rows were none.
pub(crate) fn malformed(malformed: Malformed, connector: &str) -> Error {
    if let Fault::TooLarge { bytes, limit } = malformed.fault {
        let message =
            format!("a row is {bytes} bytes as JSON, the limit is {limit}; select fewer columns of it");
        return Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", limit as u64);
    }
    if let Fault::BatchTooLarge { bytes } = malformed.fault {
        let message = format!(
            "the connector {connector} returned {bytes} bytes of rows at once, the limit is {MAX_BYTES}; ask for fewer rows or \
             columns, and tell its author to return smaller batches"
        );
        return Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", MAX_BYTES as u64);
    }
    lost(Loss::Rows, connector, &format!("a batch of rows has {malformed}"))
}

/// The error of a job whose guest did not keep to the contract.
pub(crate) fn contract(what: &str, connector: &str) -> Error {
    lost(Loss::Interface, connector, what)
}

/// The one word for why an instance was lost, of an error that says so.
pub(crate) fn loss_of(error: &Error) -> Option<&'static str> {
    let said = error.detail().get(TRAP)?.as_str()?;
    Loss::ALL.into_iter().map(Loss::as_str).find(|word| *word == said)
}

fn lost(loss: Loss, connector: &str, what: &str) -> Error {
    let then = match loss {
        Loss::Memory => "ask for less at once, or raise `memory` in its section of the configuration",
        Loss::RunningTime => {
            "ask for less at once, or raise `running_ms_per_call` in its section of the configuration"
        }
        Loss::Stack | Loss::Panic | Loss::Trap | Loss::Interface | Loss::Rows => {
            "that is a fault of the module: tell its author, with this message"
        }
    };
    // What a panic quotes may be a value of a row.
    Error::native(
        ErrorCode::ConnectorFailed,
        format!("the connector {connector} failed: {what}; {then}"),
        loss.as_str(),
    )
    .with(TRAP, loss.as_str())
}

fn judged(error: &wasmtime::Error, remains: &Remains<'_>) -> (Loss, String) {
    if let Some(up) = error.downcast_ref::<RunningTimeUp>() {
        return (Loss::RunningTime, up.to_string());
    }
    // A guest that is refused memory gives up by a trap of its own.
    if let Some(allowed) = remains.memory {
        return (Loss::Memory, format!("it needs more than the {} MiB of memory it may have", allowed >> 20));
    }
    let words = || remains.words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
    if error.is::<I32Exit>() {
        return (Loss::Panic, format!("it left in the middle of a call{}", words()));
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => {
            (Loss::Stack, "it used up its stack; it calls itself without end".to_owned())
        }
        Some(Trap::UnreachableCodeReached) => (Loss::Panic, format!("it panicked{}", words())),
        // A guest's own stack lies at the beginning of its memory, and grows out of it.
        Some(Trap::MemoryOutOfBounds) => {
            let what = "it reached outside its memory, as it does when it calls itself without end";
            (Loss::Trap, format!("{what}{}", words()))
        }
        Some(trap) => (Loss::Trap, format!("{trap}{}", words())),
        None => {
            let cause = remains.secrets.shown(&error.root_cause().to_string(), MAX_WORDS);
            (Loss::Interface, format!("what it returned or asked for was refused: {cause}"))
        }
    }
}
