//! How the double is set up, and what it is to do wrong.

use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::certificates::{Certificates, ServerCertificate};

/// What the server says about encryption before the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SqlServerEncryption {
    /// It encrypts when asked to, and the login always.
    #[default]
    Supported,
    /// It takes only encrypted connections (`Force Encryption`).
    Required,
    /// It has no certificate and encrypts nothing, not even the login.
    NotSupported,
}

/// How a server is to be set up.
#[derive(Debug, Clone, Default)]
pub struct SqlServerOptions {
    /// What it says about encryption.
    pub encryption: SqlServerEncryption,
    /// The certificate to show.
    pub certificate: ServerCertificate,
    /// The set that certificate is from; a new one when `None`.
    pub certificates: Option<Arc<Certificates>>,
    /// Where on loopback it listens; 127.0.0.1 when `None`.
    pub address: Option<Ipv4Addr>,
    /// What goes wrong from the first connection on.
    pub faults: Vec<SqlServerFault>,
    /// The product version that `SERVERPROPERTY('ProductMajorVersion')` shows; 15 (SQL Server 2019) when `None`.
    pub major_version: Option<u8>,
    /// Whether the database allows snapshot isolation (`ALLOW_SNAPSHOT_ISOLATION`).
    pub snapshot_isolation: bool,
}

/// Something that goes wrong. A statement's fault concerns the statements whose text contains `matching`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlServerFault {
    /// The server takes the connection and never answers.
    SilentAtPrelogin,
    /// It ends the connection instead of answering the first message.
    CloseAtPrelogin,
    /// It ends the connection instead of shaking hands.
    CloseAtTls,
    /// It ends the connection instead of answering the login.
    CloseAtLogin,
    /// It answers the login with this error.
    FailLogin(SqlServerError),
    /// It sends the client on to another server, as Azure's gateways do.
    RedirectLogin {
        /// The other server's name.
        host: String,
        /// The other server's port.
        port: u16,
    },
    /// It answers the statement with this error.
    FailStatement {
        /// Part of the statement's text.
        matching: String,
        /// The error.
        error: SqlServerError,
    },
    /// It sends so many rows of the statement and then this error.
    FailAfterRows {
        /// Part of the statement's text.
        matching: String,
        /// How many rows go out before.
        rows: u64,
        /// The error.
        error: SqlServerError,
    },
    /// It sends so many rows of the statement and ends the connection.
    CloseAfterRows {
        /// Part of the statement's text.
        matching: String,
        /// How many rows go out before.
        rows: u64,
    },
    /// It sends so many rows of the statement and nothing more until the client calls it off.
    HangAfterRows {
        /// Part of the statement's text.
        matching: String,
        /// How many rows go out before.
        rows: u64,
    },
    /// It runs the statement, and keeps the answer until the client calls off what is long done.
    HoldAnswer {
        /// Part of the statement's text.
        matching: String,
    },
    /// It does nothing about the statement until the client calls it off.
    HangUntilAttention {
        /// Part of the statement's text.
        matching: String,
    },
    /// It does nothing about the statement, and does not answer when the client calls it off.
    HangForever {
        /// Part of the statement's text.
        matching: String,
    },
}

/// An error message of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlServerError {
    /// Its number (`sys.messages`).
    pub number: u32,
    /// Its state.
    pub state: u8,
    /// Its severity; up to 10 it is a message and not an error.
    pub class: u8,
    /// Its text.
    pub message: String,
}

impl SqlServerError {
    /// An error of severity 16 with a text made up for it.
    #[must_use]
    pub fn numbered(number: u32) -> Self {
        Self { number, state: 1, class: 16, message: format!("Error {number} of the double.") }
    }
}
