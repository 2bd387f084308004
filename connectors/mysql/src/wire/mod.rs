//! The client/server protocol of MySQL and MariaDB, as far as a reader needs it.
//!
//! Written against "MySQL Client/Server Protocol" (dev.mysql.com/doc/dev/mysql-server/latest) and "Client/Server
//! Protocol" (mariadb.com/kb). It runs over any stream, so that every connection is dialled and encrypted the way all
//! others of the runner are, and hands out the bytes of a row as they came.
//!
//! - `packets`: framing and sequence numbers
//! - `reader`: fields of a packet
//! - `greeting`, `login`, `auth`: from the server's first packet to a session
//! - `command`: what is asked; `answer`: what comes back; `cells`: the values of a row
//! - `connection`: which of them is due

mod answer;
mod auth;
mod capabilities;
mod cells;
mod command;
mod connection;
mod failure;
mod greeting;
mod login;
mod packets;
mod reader;

pub(crate) use answer::{ColumnFormat, ColumnType, ResultColumn};
pub(crate) use auth::Secrecy;
pub(crate) use cells::Cells;
pub(crate) use command::{Argument, Moment};
pub(crate) use connection::{Event, Wire};
pub(crate) use failure::{Failure, ServerError};
pub(crate) use greeting::Greeting;
pub(crate) use login::{Credentials, LoginError, log_in, request_tls};
pub(crate) use packets::Packets;
