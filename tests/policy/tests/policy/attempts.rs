//! Everything that names, or nearly names, what nobody may see.

use connector_model::error::ErrorCode;
use serde_json::{Value, json};

use crate::Subject;

/// Jobs that the policy itself refuses, each with the rule that does.
fn refused(schema: &str) -> Vec<(&'static str, String, Value, &'static str)> {
    let (deny, mask) = ("policy.columns.deny", "policy.mask");
    let mut jobs: Vec<(&'static str, String, Value, &'static str)> = Vec::new();
    let mut job = |kind, target: &str, options, rule| jobs.push((kind, target.to_owned(), options, rule));
    // Filters, however deep and however spelled.
    job("query", "users", json!({"where": {"email": "hidden-ann@x.org"}}), mask);
    job("query", "users", json!({"where": {"$or": [{"id": 1}, {"$not": {"email": {"$gt": "a"}}}]}}), mask);
    job(
        "query",
        "users",
        json!({"where": {"$and": [{"$or": [{"$not": {"$not": {"ssn": {"$exists": true}}}}]}]}}),
        deny,
    );
    job("query", "users", json!({"where": {"api_token": {"$startsWith": "h"}}, "select": ["id"]}), deny);
    job(
        "query",
        "users",
        json!({"where": {"salary": {"$gt": 7700002}}, "limit": 0, "includeTotal": true}),
        mask,
    );
    job("batchRead", "users", json!({"where": {"email": ["hidden-ann@x.org"]}}), mask);
    job("count", "users", json!({"where": {"ssn": "hidden-1"}}), deny);
    job("count", "users", json!({"where": {"salary": {"$gte": 7700003}}}), mask);
    // Another spelling is another column to most, and refused all the same.
    job("count", "users", json!({"where": {"SSN": "hidden-1"}}), deny);
    job("query", "users", json!({"where": {"Email": {"$ne": null}}}), mask);
    job("query", "users", json!({"select": ["id", "SSN"]}), deny);
    // Columns asked for.
    job("query", "users", json!({"select": ["id", "ssn"]}), deny);
    job("query", "users", json!({"select": ["api_token"]}), deny);
    job("batchRead", "users", json!({"select": ["ssn"]}), deny);
    job("read", "users", json!({"fields": ["id", "ssn"]}), deny);
    // Orders and pages.
    job("query", "users", json!({"orderBy": {"email": "asc"}}), mask);
    job(
        "query",
        "users",
        json!({"orderBy": [{"field": "name"}, {"field": "salary", "dir": "desc"}], "limit": 1}),
        mask,
    );
    job("query", "users", json!({"orderBy": {"ssn": "desc"}, "select": ["id"]}), deny);
    job("read", "users", json!({"changedSince": 0, "changeTrackingColumn": "salary"}), mask);
    job("read", "logins", json!({}), mask);
    job("read", "logins", json!({"fields": ["attempts"], "limit": 1}), mask);
    job("query", "logins", json!({"cursor": "hidden-a", "limit": 1, "select": ["attempts"]}), mask);
    // Aggregates.
    for (agg, column, rule) in [
        ("min", "email", mask),
        ("max", "salary", mask),
        ("sum", "salary", mask),
        ("avg", "Salary", mask),
        ("count", "ssn", deny),
        ("count_distinct", "ssn", deny),
        ("rate", "salary", mask),
        ("first", "email", mask),
        ("last", "ssn", deny),
    ] {
        job("aggregate", "users", json!({"measures": {"name": {"agg": agg, "column": column}}}), rule);
    }
    job("aggregate", "users", json!({"measures": {"x": {"agg": "top_k", "column": "email", "k": 5}}}), mask);
    job(
        "aggregate",
        "users",
        json!({"measures": {"x": {"agg": "percentile", "column": "salary", "p": 0.5}}}),
        mask,
    );
    job(
        "aggregate",
        "users",
        json!({"measures": {"x": {"agg": "count", "where": {"$not": {"ssn": {"$like": "hidden%"}}}}}}),
        deny,
    );
    job(
        "aggregate",
        "users",
        json!({"measures": {"x": {"agg": "first", "column": "name"}}, "changeTrackingColumn": "salary"}),
        mask,
    );
    job("aggregate", "users", json!({"dimensions": [{"field": "email"}]}), mask);
    job("aggregate", "users", json!({"dimensions": [{"field": "ssn", "as": "name"}]}), deny);
    job(
        "aggregate",
        "users",
        json!({"dimensions": [{"field": "salary", "bucket": {"type": "numeric", "step": 1}, "as": "id"}]}),
        mask,
    );
    job("aggregate", "users", json!({"candidatesWhere": {"$or": [{"email": "hidden-ann@x.org"}]}}), mask);
    job(
        "aggregate",
        "users",
        json!({"measures": {"s": {"agg": "sum", "column": "salary"}}, "having": {"s": {"$gt": 1}}, "sort": [{"key": "s"}]}),
        mask,
    );
    job("aggregate", "logins", json!({"ids": ["hidden-ann@x.org"]}), mask);
    job("aggregate", "logins", json!({"sample": 0.5}), mask);
    job("aggregate", "logins", json!({"measures": {"x": {"agg": "last", "column": "attempts"}}}), mask);
    // Joins.
    let join = |target: &str, local: &str, foreign: &str| json!([{"target": target, "alias": "u", "on": {"local": local, "foreign": foreign}}]);
    let users = || join("users", "user_id", "id");
    job(
        "aggregate",
        "orders",
        json!({"joins": users(), "dimensions": [{"field": "email", "from": "u"}]}),
        mask,
    );
    job(
        "aggregate",
        "orders",
        json!({"joins": users(), "dimensions": [{"field": "u.ssn", "as": "note"}]}),
        deny,
    );
    job("aggregate", "orders", json!({"joins": users(), "dimensions": [{"field": "U.ssn"}]}), deny);
    job(
        "aggregate",
        "orders",
        json!({"joins": users(), "measures": {"x": {"agg": "max", "column": "u.salary"}}}),
        mask,
    );
    job(
        "aggregate",
        "orders",
        json!({"joins": users(), "candidatesWhere": {"u.api_token": {"$exists": true}}}),
        deny,
    );
    job(
        "aggregate",
        "orders",
        json!({"joins": users(), "measures": {"x": {"agg": "count", "where": {"u.email": null}}}}),
        mask,
    );
    job(
        "aggregate",
        "orders",
        json!({"joins": users(), "changeTrackingColumn": "u.salary", "measures": {"x": {"agg": "first", "column": "note"}}}),
        mask,
    );
    job("aggregate", "orders", json!({"joins": join("users", "note", "ssn")}), deny);
    job("aggregate", "orders", json!({"joins": join("logins", "note", "email")}), mask);
    job("aggregate", "users", json!({"joins": join("orders", "salary", "id")}), mask);
    job(
        "aggregate",
        "users",
        json!({"joins": join("users", "id", "id"), "dimensions": [{"field": "u.email"}]}),
        mask,
    );
    job("aggregate", "orders", json!({"joins": join("secrets", "id", "id")}), "policy.targets");
    job("aggregate", "orders", json!({"joins": join("people", "user_id", "id")}), "policy.views");
    // Targets.
    for kind in ["query", "read", "count", "batchRead", "introspectTarget", "aggregate"] {
        job(kind, "secrets", json!({}), "policy.targets");
        job(kind, &format!("{schema}.secrets"), json!({}), "policy.targets");
        job(kind, "people", json!({}), "policy.views");
        job(kind, &format!("{schema}.people"), json!({}), "policy.views");
    }
    jobs
}

/// What is refused by whatever refuses it: the policy, or the connector that knows no such name.
fn spelled(schema: &str) -> Vec<(&'static str, String, Value)> {
    let mut jobs = Vec::new();
    let names = |name: &str| {
        vec![
            name.to_uppercase(),
            format!("\"{name}\""),
            format!("`{name}`"),
            format!("[{name}]"),
            format!("\"{schema}\".\"{name}\""),
            format!("{}.{name}", schema.to_uppercase()),
            format!("{schema}.{}", name.to_uppercase()),
            format!(" {name}"),
            format!("{name} "),
            format!("{name}\u{200b}"),
            format!("{schema}..{name}"),
            format!(".{name}"),
            format!("{schema}.{schema}.{name}"),
            format!("{name} AS t"),
            format!("(SELECT * FROM {name})"),
        ]
    };
    for target in names("secrets").into_iter().chain(names("people")) {
        jobs.push(("query", target.clone(), json!({})));
        jobs.push(("introspectTarget", target, json!({})));
    }
    for column in
        ["\"ssn\"", "`ssn`", "users.ssn", "ssn ", " ssn", "\"users\".\"ssn\"", "ssn::text", "ssn\u{200b}"]
    {
        jobs.push(("query", "users".to_owned(), json!({"select": ["id", column]})));
        jobs.push(("count", "users".to_owned(), json!({"where": {column: "hidden-1"}})));
        jobs.push(("query", "users".to_owned(), json!({"orderBy": {column: "asc"}})));
        jobs.push(("aggregate", "users".to_owned(), json!({"dimensions": [{"field": column}]})));
    }
    jobs
}

/// Tries everything.
pub(crate) async fn all(subject: &Subject) {
    for (kind, target, options, rule) in refused(subject.schema) {
        let what = format!("{kind} {target} {options}");
        let answer = subject.ask(kind, &target, options).await;
        assert_eq!(answer.code(), Some(ErrorCode::PolicyDenied), "{what}: {answer:?}");
        assert_eq!(answer.detail("rule"), Some(rule), "{what}: {answer:?}");
        let setting = answer.detail("setting").unwrap();
        assert!(setting.starts_with("[policy] ") && answer.message().contains(setting), "{what}: {answer:?}");
        assert!(answer.rows.is_empty() && answer.counted.is_none(), "{what}");
    }
    for (kind, target, options) in spelled(subject.schema) {
        let what = format!("{kind} {target} {options}");
        let answer = subject.ask(kind, &target, options).await;
        // A database that folds names finds the view or table, and that is refused; else nothing is found.
        let code = answer.code();
        let stopped = [
            ErrorCode::PolicyDenied,
            ErrorCode::InvalidTarget,
            ErrorCode::InvalidJob,
            ErrorCode::UnsupportedOperator,
        ];
        assert!(code.is_some_and(|code| stopped.contains(&code)), "{what}: {answer:?}");
        assert!(answer.rows.is_empty() && answer.counted.is_none(), "{what}");
    }
    nothing_is_offered(subject).await;
}

/// Connectors name what is nearest to a name that is wrong; not what nobody may know of.
async fn nothing_is_offered(subject: &Subject) {
    for options in
        [json!({"select": ["ssm"]}), json!({"where": {"sn": 1}}), json!({"orderBy": {"api_tokens": "asc"}})]
    {
        let answer = subject.ask("query", "users", options.clone()).await;
        assert_eq!(answer.code(), Some(ErrorCode::InvalidJob), "{options}: {answer:?}");
        assert!(!answer.message().contains("ssn") && !answer.message().contains("api_token\""), "{answer:?}");
    }
    let answer = subject.ask("aggregate", "users", json!({"dimensions": [{"field": "ssm"}]})).await;
    assert!(answer.error.is_some() && !answer.message().contains("ssn"), "{answer:?}");
    for target in ["secretz", "peple"] {
        let answer = subject.ask("query", target, json!({})).await;
        assert_eq!(answer.code(), Some(ErrorCode::InvalidTarget), "{answer:?}");
        assert!(!answer.message().contains("secrets") && !answer.message().contains("people"), "{answer:?}");
    }
}
