//! One job's options to its typed request.

use super::aggregate::aggregate;
use super::options::Options;
use super::{ChangedSince, Count, Kind, Query, Read, Request};
use crate::error::{Error, ErrorCode, Result};
use crate::filter::{self, Filter, Names};

/// How many rows a `read` returns when the job does not say.
const DEFAULT_READ_LIMIT: u64 = 1_000;
/// The column that `changedSince` looks at when the job does not say.
const DEFAULT_CHANGE_COLUMN: &str = "updated_at";

/// Parses a job. `options` is the JSON text of the options, `bridge` is what errors call the source's connector.
///
/// # Errors
/// `INVALID_JOB` naming the option; `INVALID_TARGET` for a missing target; `unsupported_operator`;
/// `UNSUPPORTED_JOB` for kinds that no connector has.
pub fn parse(kind: Kind, target: Option<&str>, options: Option<&str>, bridge: &str) -> Result<Request> {
    let options = Options::read(options)?;
    let named = || match target {
        Some(target) if target.contains('\0') => {
            Err(Error::new(ErrorCode::InvalidTarget, "the target's name holds a NUL character"))
        }
        Some(target) if !target.is_empty() => Ok(target.to_owned()),
        _ => Err(Error::new(ErrorCode::InvalidTarget, format!("a {} job needs a target", kind.as_str()))),
    };
    match kind {
        Kind::Read => read(named()?, &options).map(Request::Read),
        Kind::Query => query(named()?, &options, bridge).map(Request::Query),
        Kind::BatchRead => {
            let query = query(named()?, &options, bridge)?;
            Ok(Request::Query(Query { include_total: false, cursor: None, offset: 0, ..query }))
        }
        Kind::Count => {
            let target = named()?;
            let filter = filter(&target, &options, bridge)?;
            Ok(Request::Count(Count { target, filter }))
        }
        Kind::ListTargets => Ok(Request::ListTargets),
        Kind::IntrospectTarget => named().map(Request::Introspect),
        Kind::Test => Ok(Request::Test),
        Kind::Aggregate => aggregate(named()?, &options, bridge).map(Request::Aggregate),
        Kind::Search | Kind::Similar => Err(Error::new(
            ErrorCode::UnsupportedJob,
            format!("{bridge} has no operation \"{}\"", kind.as_str()),
        )),
    }
}

fn read(target: String, options: &Options) -> Result<Read> {
    let column = options.text("changeTrackingColumn")?.unwrap_or_else(|| DEFAULT_CHANGE_COLUMN.to_owned());
    Ok(Read {
        target,
        fields: options.columns("fields")?,
        limit: options.count("limit")?.unwrap_or(DEFAULT_READ_LIMIT),
        cursor: options.text("cursor")?,
        changed_since: options.moment("changedSince")?.map(|micros| ChangedSince { column, micros }),
    })
}

fn query(target: String, options: &Options, bridge: &str) -> Result<Query> {
    let filter = filter(&target, options, bridge)?;
    let query = Query {
        target,
        select: options.columns("select")?,
        filter,
        joins: Vec::new(),
        order_by: options.order("orderBy")?,
        limit: options.count("limit")?,
        offset: options.count("offset")?.unwrap_or(0),
        cursor: options.text("cursor")?,
        include_total: options.flag("includeTotal")?.unwrap_or(true),
    };
    if query.cursor.is_some() && query.offset > 0 {
        return Err(Error::option(
            "offset",
            "cannot go with `cursor`; the cursor already says where the page begins",
        ));
    }
    Ok(query)
}

fn filter(target: &str, options: &Options, bridge: &str) -> Result<Filter> {
    match options.get("where") {
        None => Ok(Filter::TRUE),
        Some(json) => filter::parse(json, Names { bridge, target, option: "where" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Order;
    use proptest::prelude::*;

    fn job(kind: Kind, options: &str) -> Result<Request> {
        parse(kind, Some("t"), Some(options), "@semilayer/bridge-x")
    }

    fn order(options: &str) -> Vec<Order> {
        match job(Kind::Query, options).unwrap() {
            Request::Query(query) => query.order_by,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_wrong_option_is_named() {
        for (kind, options, name) in [
            (Kind::Query, r#"{"limit": -1}"#, "limit"),
            (Kind::Query, r#"{"limit": 1.5}"#, "limit"),
            (Kind::Query, r#"{"limit": "10"}"#, "limit"),
            (Kind::Query, r#"{"limit": 18446744073709551615}"#, "limit"),
            (Kind::Query, r#"{"offset": true}"#, "offset"),
            (Kind::Query, r#"{"offset": 1, "cursor": "x"}"#, "offset"),
            (Kind::Query, r#"{"select": "id"}"#, "select"),
            (Kind::Query, r#"{"select": []}"#, "select"),
            (Kind::Query, r#"{"select": [1]}"#, "select"),
            (Kind::Query, r#"{"orderBy": {"a": "up"}}"#, "orderBy"),
            (Kind::Query, r#"{"orderBy": "a"}"#, "orderBy"),
            (Kind::Query, r#"{"orderBy": {"field": "a", "direction": "asc"}}"#, "orderBy"),
            (Kind::Query, r#"{"where": []}"#, "where"),
            (Kind::Query, r#"{"includeTotal": 1}"#, "includeTotal"),
            (Kind::Read, r#"{"cursor": 7}"#, "cursor"),
            (Kind::Read, r#"{"changedSince": "soon"}"#, "changedSince"),
            (Kind::Read, r#"{"fields": {}}"#, "fields"),
            (Kind::Read, "[]", "options"),
        ] {
            let error = job(kind, options).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidJob, "{options}");
            assert!(error.message().contains(&format!("`{name}`")), "{options}: {error}");
        }
    }

    #[test]
    fn orders_keep_their_sequence_in_every_form() {
        let both =
            [Order { column: "b".into(), descending: true }, Order { column: "a".into(), descending: false }];
        assert_eq!(order(r#"{"orderBy": {"b": "desc", "a": "asc"}}"#), both);
        assert_eq!(order(r#"{"orderBy": [{"field": "b", "dir": "desc"}, {"field": "a"}]}"#), both);
        assert_eq!(order(r#"{"orderBy": [{"b": "desc"}, {"a": "asc"}, {"b": "asc"}]}"#), both);
        assert_eq!(order(r#"{"orderBy": {"field": "desc", "dir": "asc"}}"#)[0].column, "desc");
    }

    #[test]
    fn ten_thousand_levels_are_an_error_and_not_a_crash() {
        let deep = format!(
            "{{\"where\": {}{}}}",
            "{\"$not\":".repeat(10_000),
            "{}".to_owned() + &"}".repeat(10_000)
        );
        assert!(job(Kind::Query, &deep).unwrap_err().message().contains("deeper"));
        let allowed = format!("{{\"where\": {}{{}}{}}}", "{\"$and\":[".repeat(64), "]}".repeat(64));
        assert!(job(Kind::Query, &allowed).is_ok());
    }

    #[test]
    fn batch_read_never_counts_and_searches_are_not_there() {
        let Request::Query(query) = job(Kind::BatchRead, r#"{"select": "*", "where": {"id": [1]}}"#).unwrap()
        else {
            panic!("a batch read is a query");
        };
        assert!(!query.include_total && query.select.is_none());
        assert_eq!(job(Kind::Search, "{}").unwrap_err().code(), ErrorCode::UnsupportedJob);
        assert_eq!(parse(Kind::Read, None, None, "b").unwrap_err().code(), ErrorCode::InvalidTarget);
    }

    proptest! {
        #[test]
        fn any_options_are_answered_without_a_panic(text in "\\PC{0,200}", pick in 0usize..10) {
            let _ = job(Kind::ALL[pick], &text);
        }
    }
}
