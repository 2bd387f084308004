//! T-SQL, run on tables in memory.
//!
//! A batch is parsed (`parse`), a statement's names and types are found (`bind`), and what comes of that is run
//! (`run`) over the tables of the `catalog`, whose own views (`sys`) are made from it. Values have the types that
//! SQL Server would give them, so that a client sees the same type of every column.
//!
//! Kept as SQL Server has it: conversions and their error numbers, the precedence of types and of collations, exact
//! decimals with the scales of the reference, three-valued logic, NULL before everything, texts equal but for blanks
//! and bytes equal but for zeros at their end, GUIDs ordered by their last group, LIKE and lengths by UTF-16 unit.
//! The database compares by code unit (`Latin1_General_100_BIN2`), names included, unless a column says otherwise.
//!
//! Looser or other than SQL Server: any DDL may stand anywhere in a batch; every error ends its batch; statements
//! take no locks, and a rolled back transaction takes back what others changed meanwhile; collations other than
//! binary ones fold case and nothing else; TABLESAMPLE takes every so many rows and CHECKSUM has other numbers;
//! AT TIME ZONE knows UTC alone; a row or a key may have any length; there is no limit to how large a plan grows.

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
