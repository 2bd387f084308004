//! Why a frame was not understood, in words that are safe to log.

use std::fmt;

use thiserror::Error;

/// A protocol error: a frame that says nothing usable.
///
/// It carries the frame's size and, where it could be read, its type. Never its content, which may hold
/// credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub struct FrameError {
    /// Size of the frame in bytes.
    pub size: usize,
    /// Its `type`, when that is one of this protocol's.
    pub kind: Option<&'static str>,
    /// What is wrong with it.
    pub problem: FrameProblem,
}

/// What is wrong with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum FrameProblem {
    /// Larger than [`MAX_FRAME_BYTES`](crate::limits::MAX_FRAME_BYTES).
    #[error("it is over the limit of {} bytes", crate::limits::MAX_FRAME_BYTES)]
    TooLarge,
    /// Not one JSON value.
    #[error("it is not valid JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault, in bytes, from 1.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("it is not a JSON object")]
    NotAnObject,
    /// No `type`, or one that is not a string.
    #[error("it has no type")]
    NoType,
    /// A field is missing or of the wrong shape, and the frame is about no job that could be failed instead.
    #[error("a field is missing or has the wrong shape")]
    BadField,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "bad {kind} frame of {} bytes: {}", self.size, self.problem),
            None => write!(f, "bad frame of {} bytes: {}", self.size, self.problem),
        }
    }
}

impl FrameProblem {
    pub(crate) fn not_json(error: &serde_json::Error) -> Self {
        Self::NotJson { line: error.line(), column: error.column() }
    }
}
