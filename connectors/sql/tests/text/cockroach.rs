//! CockroachDB's own answers: no server of it is here, so these texts are all that holds them.

use connector_model::request::Kind;
use connector_sql::{Cockroach, Dialect, Postgres};
use serde_json::json;

use super::shown::{is_one_select, statements};
use super::tables::{composite, everything};

fn text(dialect: &dyn Dialect, options: &serde_json::Value) -> String {
    statements(dialect, &composite(), Kind::Query, options).unwrap()[0].1.text.clone()
}

#[test]
fn a_page_after_null_goes_on_with_the_values() {
    let order = json!({"limit": 2, "orderBy": [{"field": "n", "dir": "asc"}]});
    let first = statements(&Cockroach, &composite(), Kind::Query, &order).unwrap();
    is_one_select(&first[0].1.text, &sqlparser::dialect::PostgreSqlDialect {});
    assert_eq!(first[0].1.text, text(&Postgres, &order), "the first page is PostgreSQL's");
    insta::assert_snapshot!(super::paging::after_null(&Cockroach));
}

#[test]
fn what_has_no_answer_of_its_own_is_said_as_postgresql_says_it() {
    let filters = [
        json!({"where": {"text": {"$contains": "a%"}, "integer": {"$in": [1, 2]}, "uuid": {"$nin": ["x"]}}}),
        json!({"where": {"unknown": "a", "array": "{1}", "decimal": {"$gt": "1.5"}}, "limit": 3, "offset": 1}),
    ];
    for options in filters {
        let both: [&dyn Dialect; 2] = [&Postgres, &Cockroach];
        let [postgres, cockroach] = both
            .map(|dialect| statements(dialect, &everything(), Kind::Query, &options).unwrap()[0].1.clone());
        assert_eq!(postgres, cockroach, "{options}");
    }
}
