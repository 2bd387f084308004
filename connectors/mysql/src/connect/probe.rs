//! What is at the other end: which product, which version, the server itself or a proxy before it.

use connector_api::Stage;
use connector_model::error::Result;
use connector_sql::Statement;

use crate::error::failed;
use crate::session::{Statements, fetch};
use crate::wire::{Failure, Wire};

/// The first query of every session. The third column tells two servers behind one address apart; it names nothing
/// that older versions do not have.
const QUERY: &str = "SELECT CONCAT(CONNECTION_ID()), CONCAT(@@version), \
     CONCAT_WS('/', @@hostname, @@port, @@server_id, @@datadir), CONCAT(@@max_allowed_packet), \
     CONCAT(@@lower_case_table_names), DATABASE()";
/// The same for Vitess, which has no server variables of that kind.
const VITESS_QUERY: &str = "SELECT CONCAT(CONNECTION_ID()), VERSION(), '', '16777216', '0', DATABASE()";

/// Whose server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    MySql,
    MariaDb,
    Vitess,
}

/// What the first query found.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) flavour: Flavour,
    pub(crate) version: String,
    /// Major and minor.
    pub(crate) numbers: (u16, u16),
    /// What is to be stopped when this session is; `None` behind a proxy, where nobody knows whose id that is.
    pub(crate) connection: Option<u64>,
    /// Tells this server from others that the same address may lead to.
    pub(crate) server: String,
    /// The longest request that the server takes, in bytes.
    pub(crate) max_request: usize,
    /// Whether table names that differ in case only are the same.
    pub(crate) folds_names: bool,
    /// The schema whose targets are named without it.
    pub(crate) schema: Option<String>,
}

impl Probe {
    /// What the product calls itself.
    pub(crate) fn product(&self) -> &'static str {
        match self.flavour {
            Flavour::MySql => "MySQL",
            Flavour::MariaDb => "MariaDB",
            Flavour::Vitess => "Vitess",
        }
    }

    /// For a person: product, version, and whether a proxy was seen.
    pub(super) fn note(&self) -> String {
        let proxy = if self.connection.is_none() { ", through a proxy" } else { "" };
        format!("{} {}{proxy}", self.product(), self.version)
    }
}

/// Asks the server who it is. `announced` is the connection's id in the greeting: a proxy has ids of its own, so the
/// id that the query gives is another one then. (A greeting has room for half of an id.)
pub(super) async fn probe(
    wire: &mut Wire,
    statements: &mut Statements,
    greeting: &str,
    announced: u32,
) -> Result<Probe> {
    let is_vitess = greeting.contains("Vitess") || greeting.contains("vitess");
    let text = if is_vitess { VITESS_QUERY } else { QUERY };
    let statement = Statement { text: text.to_owned(), params: Vec::new() };
    let asked = fetch(wire, statements, &statement).await;
    let rows = asked.map_err(|failure| failed(&failure, Stage::Query))?;
    let malformed = || failed(&Failure::Garbled("the first query has another answer"), Stage::Query);
    let row = rows.into_iter().next().ok_or_else(malformed)?;
    let [connection, version, server, max_request, folds, schema] =
        <[Option<String>; 6]>::try_from(row).map_err(|_| malformed())?;
    let version = version.unwrap_or_default();
    let flavour = match (is_vitess, greeting.contains("MariaDB") || version.contains("MariaDB")) {
        (true, _) => Flavour::Vitess,
        (_, true) => Flavour::MariaDb,
        _ => Flavour::MySql,
    };
    let connection = connection.and_then(|id| id.parse::<u64>().ok());
    let is_direct = |id: &u64| id & u64::from(u32::MAX) == u64::from(announced);
    Ok(Probe {
        flavour,
        numbers: numbers(&version),
        version,
        connection: connection.filter(is_direct).filter(|_| flavour != Flavour::Vitess),
        server: server.unwrap_or_default(),
        max_request: max_request.and_then(|bytes| bytes.parse().ok()).unwrap_or(1 << 20),
        folds_names: folds.is_some_and(|folds| folds != "0"),
        schema,
    })
}

/// `10.11.4-MariaDB-1` and `8.0.36` to their first two numbers.
fn numbers(version: &str) -> (u16, u16) {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_two_numbers() {
        assert_eq!(numbers("10.11.4-MariaDB-1~deb12u1"), (10, 11));
        assert_eq!(numbers("8.0.36"), (8, 0));
        assert_eq!(numbers("strange"), (0, 0));
    }
}
