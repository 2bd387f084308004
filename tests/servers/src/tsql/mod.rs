//! T-SQL, run on tables in memory.
//!
//! A batch is parsed (`parse`), a statement's names and types are found (`bind`), and what comes of that is run
//! (`run`) over the tables of the `catalog`, whose own views (`sys`) are made from it. Values have the types that
//! SQL Server would give them, so that a client sees the same type of every column.

mod ast;
mod batch;
mod bind;
mod catalog;
pub(crate) mod charset;
mod convert;
pub(crate) mod decimal;
mod define;
mod engine;
mod error;
mod function;
mod lexer;
mod modify;
pub(crate) mod moment;
mod parse;
mod plan;
mod run;
mod session;
mod sys;
mod transaction;
mod types;
mod value;

pub(crate) use batch::Batch;
pub(crate) use convert::{bytes_of, guid_of_stored, guid_stored};
pub(crate) use engine::Engine;
pub(crate) use error::SqlError;
pub(crate) use session::{Login, Outcome, Rows, Session, Transaction};
pub(crate) use types::{Length, SqlType};
pub(crate) use value::Value;
