//! A double of SQL Server: TDS 7.3 and 7.4 over TCP and TLS, with T-SQL behind it.
//!
//! There is no SQL Server in the registries that the tests install from. What this double does follows Microsoft's
//! \[MS-TDS\] and the T-SQL reference; what it does not know it refuses, so that no test passes on a guess.

mod attention;
mod browser;
mod connect;
mod decode;
mod encode;
mod input;
mod login;
mod options;
mod packet;
mod prelogin;
mod record;
mod respond;
mod rpc;
mod secure;
mod server;
mod session;
mod tokens;

pub use browser::SqlServerBrowser;
pub use options::{SqlServerEncryption, SqlServerError, SqlServerFault, SqlServerOptions};
pub use record::{SqlServerRequest, SqlServerSession, SqlServerStatement};
pub use server::SqlServer;

pub(crate) use encode::ResultColumn;
