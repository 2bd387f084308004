//! What a session sets before its first job, so that nothing of the server's own settings shows through.

use std::time::Duration;

use crate::connect::{Flavour, Probe};

/// How long the server may wait for this side to take rows: as long as any job lasts that holds them back.
const WRITE_TIMEOUT_S: u32 = 3_600;
/// How long the server keeps an idle connection: longer than the runner's pool does.
const IDLE_TIMEOUT_S: u32 = 600;
/// How much MySQL may use to look up the members of one long list; beyond it the whole table is read.
const RANGE_BYTES: u64 = 256 * 1024 * 1024;

/// The statements, in order.
pub(super) fn settings(probe: &Probe, backstop: Duration) -> Vec<String> {
    let mut all = vec![
        "SET SESSION TRANSACTION READ ONLY".to_owned(),
        // Names and texts in UTF-8, moments in UTC. No mode: quotes and backslashes mean what they do by default, and
        // zero dates can be asked for.
        "SET NAMES utf8mb4, time_zone = '+00:00', sql_mode = ''".to_owned(),
    ];
    if probe.flavour == Flavour::Vitess {
        return all;
    }
    all.push("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ".to_owned());
    let mut set = format!(
        "SET SESSION autocommit = 1, completion_type = 0, sql_select_limit = 18446744073709551615, \
         sql_big_selects = 1, net_write_timeout = {WRITE_TIMEOUT_S}, wait_timeout = {IDLE_TIMEOUT_S}"
    );
    if probe.flavour == Flavour::MySql && probe.numbers >= (5, 7) {
        set.push_str(&format!(", range_optimizer_max_mem_size = {RANGE_BYTES}"));
    }
    if let Some(limit) = statement_limit(probe, backstop) {
        set.push_str(", ");
        set.push_str(&limit);
    }
    all.push(set);
    all
}

/// The assignment that limits every statement of the session: milliseconds on MySQL, seconds on MariaDB.
pub(super) fn statement_limit(probe: &Probe, limit: Duration) -> Option<String> {
    match (probe.flavour, probe.numbers) {
        (Flavour::MariaDb, (10, 1..) | (11.., _)) => {
            Some(format!("max_statement_time = {:.3}", limit.as_secs_f64().max(0.001)))
        }
        (Flavour::MySql, (5, 7..) | (8.., _)) => {
            Some(format!("max_execution_time = {}", limit.as_millis().clamp(1, u128::from(u32::MAX))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(flavour: Flavour, numbers: (u16, u16)) -> Probe {
        Probe {
            flavour,
            version: String::new(),
            numbers,
            connection: None,
            server: String::new(),
            max_request: 0,
            folds_names: false,
            schema: None,
        }
    }

    #[test]
    fn each_product_limits_statements_in_its_own_unit() {
        let limit =
            |flavour, numbers| statement_limit(&probe(flavour, numbers), Duration::from_millis(1_500));
        assert_eq!(limit(Flavour::MariaDb, (10, 11)).as_deref(), Some("max_statement_time = 1.500"));
        assert_eq!(limit(Flavour::MySql, (8, 0)).as_deref(), Some("max_execution_time = 1500"));
        assert_eq!(limit(Flavour::MySql, (5, 6)), None);
        assert_eq!(limit(Flavour::Vitess, (8, 0)), None);
    }

    #[test]
    fn every_session_is_read_only_first() {
        for flavour in [Flavour::MySql, Flavour::MariaDb, Flavour::Vitess] {
            let all = settings(&probe(flavour, (10, 11)), Duration::from_secs(1));
            assert_eq!(all[0], "SET SESSION TRANSACTION READ ONLY");
        }
    }
}
