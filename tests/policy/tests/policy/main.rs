//! What a gateway may try, against the policy of a machine that it does not own.
//!
//! - `attempts`: everything that names, or nearly names, what nobody may see; the same for every database
//! - `answers`: what is answered nevertheless, and how
//! - `postgres`, `mariadb`, `sqlite`: the databases, and what only they have
//! - `module`: a connector that hands over rows whole

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod answers;
mod attempts;
mod mariadb;
mod module;
mod postgres;
mod sqlite;

use policy_tests::{Answer, Runner};
use serde_json::Value;

/// The key of the hashes.
const MASK_KEY: &str = "0123456789abcdef0123456789abcdef";

/// Tables that every database has: a text is `name`, what nobody may see begins with `hidden`.
const TABLES: &str = "
    CREATE TABLE users (id integer PRIMARY KEY, name varchar(40), email varchar(80), ssn varchar(40), salary integer,
        api_token varchar(40));
    CREATE TABLE orders (id integer PRIMARY KEY, user_id integer, total integer, note varchar(40));
    CREATE TABLE logins (email varchar(80) PRIMARY KEY, attempts integer);
    CREATE TABLE secrets (id integer PRIMARY KEY, name varchar(40));
    CREATE VIEW people AS SELECT id, email AS contact, ssn AS number FROM users;
    CREATE VIEW listed AS SELECT id, name, email FROM users;
    INSERT INTO users VALUES (1, 'Ann', 'hidden-ann@x.org', 'hidden-1', 7700001, 'hidden-t1'),
        (2, 'Bob', 'hidden-bob@x.org', 'hidden-2', 7700002, 'hidden-t2'),
        (3, 'Cy', 'hidden-ann@x.org', NULL, 7700003, NULL), (4, 'Di', NULL, 'hidden-4', 7700004, 'hidden-t4');
    INSERT INTO orders VALUES (1, 1, 10, 'a'), (2, 1, 20, 'b'), (3, 2, 30, 'c');
    INSERT INTO logins VALUES ('hidden-ann@x.org', 3), ('hidden-bob@x.org', 1);
    INSERT INTO secrets VALUES (1, 'hidden-secret')
";

/// The policy, in a database whose tables are in this schema.
fn policy(schema: &str) -> String {
    format!(
        r#"
        [policy]
        targets = ["{schema}.*", "!secrets", "{schema}.listed"]
        columns.deny = ["{schema}.users.ssn", "*_token"]
        mask = {{ "{schema}.users.email" = "hash", "users.salary" = "null", "\"logins\".EMAIL" = "redact", "listed.email" = "redact" }}
        mask_key = "{MASK_KEY}"
        "#
    )
}

/// A source under that policy, and what its tables are called besides.
struct Subject {
    runner: Runner,
    schema: &'static str,
}

impl Subject {
    async fn ask(&self, kind: &str, target: &str, options: Value) -> Answer {
        self.runner.ask(kind, target, &options).await.unwrap()
    }

    /// Whatever else it is answered, what nobody may see is not in it.
    fn shows_nothing(what: &str, answer: &Answer) {
        let shown = format!("{answer:?} {:?} {}", answer.rows, answer.message());
        for hidden in ["hidden-", "77000"] {
            assert!(!shown.contains(hidden), "{what}: {shown}");
        }
    }
}
