//! Requests to SQL text and typed parameters, per dialect.
//!
//! This crate does no I/O: a driver hands it a [`Table`] from its catalogue and a request, and gets a
//! [`Statement`] back, with what it needs to turn the last row into a cursor. Every name in the text is quoted by the
//! dialect's rule and was found in the catalogue; every value is a parameter.
//!
//! - [`select`]: `read` and `query`: columns, order, keyset paging
//! - [`aggregate`]: groups with their measures
//! - [`mod@count`]: how many rows match
//! - [`dialect`]: what differs between engines; one file each
//! - [`sqlite`]: what drivers of SQLite's data share: declared types, values, keys
//! - [`table`], [`statement`]: what goes in and what comes out

pub mod aggregate;
pub mod count;
pub mod dialect;
mod filter;
mod joined;
mod paging;
pub mod select;
pub mod sqlite;
pub mod statement;
pub mod table;

pub use aggregate::{AggregateDialect, AggregateSelect, Groups, ResultRow};
pub use count::count;
pub use dialect::{
    ClickHouse, ClickHouseType, Cockroach, Dialect, LibSql, MySql, Postgres, SqlServer, Sqlite,
};
pub use select::Select;
pub use statement::{Param, ParamType, Statement, Value};
pub use table::{Qualified, Reading, Table, TableColumn};
