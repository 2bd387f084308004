//! Requests over a shelf in memory.

use std::time::Duration;

use semilayer_connector::filter::{Comparison, Operand, Test};
use semilayer_connector::prelude::{ChangedSince, CursorKind, ErrorCode, Fill, Order, RowWriter, Rows};
use serde_json::{Value, json};

use super::*;
use crate::document::KEY;
use crate::testing::Shelf;

fn call() -> Call {
    Call { deadline: Duration::from_secs(1), token: "t".to_owned() }
}

/// Ten rows `t:00` to `t:09` with numbers backwards, a hash, and what is no row of it.
fn session() -> Keyspace<Shelf> {
    let mut shelf = Shelf::default();
    for n in 0..10 {
        shelf.text(&format!("t:{n:02}"), &json!({"n": 9 - n, "odd": n % 2 == 1}).to_string());
    }
    shelf.hash("t:hash", &[("n", "text")]);
    shelf.other("t:list");
    shelf.text("other:1", "plain");
    Keyspace::new(shelf, 1_000)
}

type Page = (Vec<Value>, Option<(String, CursorKind)>);

fn taken(session: &mut Keyspace<Shelf>, mut rows: Box<dyn Rows<Keyspace<Shelf>>>) -> Result<Page> {
    let mut out = RowWriter::new(&rows.columns(), 64);
    let mut all = Vec::new();
    loop {
        let fill = rows.fill(session, &mut out)?;
        let (count, bytes) = out.take(64);
        let batch: Vec<Value> =
            serde_json::from_str(&format!("[{}]", String::from_utf8(bytes).unwrap())).unwrap();
        assert_eq!(batch.len(), count as usize);
        all.extend(batch);
        if let Fill::End(end) = fill {
            return Ok((all, end.next_cursor));
        }
    }
}

fn read(session: &mut Keyspace<Shelf>, limit: u64, cursor: Option<String>) -> Result<Page> {
    let request = Read { target: "t".into(), fields: None, limit, cursor, changed_since: None };
    let rows = session.read(&call(), &request)?;
    taken(session, rows)
}

fn all_of(filter: Filter) -> Query {
    Query {
        target: "t".into(),
        select: None,
        filter,
        joins: Vec::new(),
        order_by: Vec::new(),
        limit: None,
        offset: 0,
        cursor: None,
        include_total: false,
    }
}

fn query(session: &mut Keyspace<Shelf>, request: &Query) -> Result<Page> {
    let rows = session.query(&call(), request)?;
    taken(session, rows)
}

fn keys(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row[KEY].as_str().unwrap()).collect()
}

#[test]
fn a_small_database_is_read_in_the_order_of_its_keys() {
    let mut session = session();
    let mut cursor = None;
    let mut seen = Vec::new();
    loop {
        let (rows, next) = read(&mut session, 3, cursor).unwrap();
        seen.extend(keys(&rows).into_iter().map(str::to_owned));
        let Some((next, kind)) = next else { break };
        assert_eq!((rows.len(), kind, next.as_str()), (3, CursorKind::Keyset, seen.last().unwrap().as_str()));
        cursor = Some(next);
    }
    assert_eq!(seen.len(), 11);
    assert!(seen.is_sorted());
}

#[test]
fn a_large_database_is_read_in_the_order_of_its_server_without_losing_a_row() {
    let mut session = session().ordered_up_to(5);
    for limit in [1, 2, 3, 7, 100] {
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let (rows, next) = read(&mut session, limit, cursor).unwrap();
            seen.extend(keys(&rows).into_iter().map(str::to_owned));
            let Some((next, kind)) = next else { break };
            assert_eq!((rows.len() as u64, kind), (limit, CursorKind::Scan));
            cursor = Some(next);
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 11, "pages of {limit}");
    }
}

#[test]
fn a_row_that_goes_between_pages_is_missed_and_the_others_are_not() {
    let mut session = session().ordered_up_to(5);
    let (first, next) = read(&mut session, 2, None).unwrap();
    session.commands().remove("t:05");
    let (rest, end) = read(&mut session, 100, next.map(|(cursor, _)| cursor)).unwrap();
    let mut seen = [keys(&first), keys(&rest)].concat();
    seen.sort_unstable();
    seen.dedup();
    assert!(end.is_none() && seen.len() == 10 && !seen.contains(&"t:05"), "{seen:?}");
}

#[test]
fn keys_that_a_filter_names_are_all_that_is_looked_at() {
    let mut session = session();
    session.introspect("t").unwrap();
    session.commands().sent.clear();
    let ids = ["t:03", "other:1", "t:gone", "t:01", "t:03", "t:list", "t:hash"];
    let ids = ids.iter().map(|id| Operand::Text((*id).to_owned())).collect();
    let filter = Filter::Column(KEY.into(), Test::In(ids));
    let (rows, _) = query(&mut session, &all_of(filter.clone())).unwrap();
    assert_eq!(keys(&rows), ["t:01", "t:03", "t:hash"]);
    let counted = session.count(&call(), &Count { target: "t".into(), filter }).unwrap();
    assert_eq!(counted, Counted { total: 3, approximate: false });
    assert!(!session.commands().sent.contains(&"SCAN"));
}

#[test]
fn fifty_thousand_keys_are_one_request() {
    let mut session = session();
    let ids = (0..50_000).map(|n| Operand::Text(format!("t:{n:02}"))).collect();
    let (rows, _) = query(&mut session, &all_of(Filter::Column(KEY.into(), Test::In(ids)))).unwrap();
    assert_eq!(rows.len(), 10);
}

#[test]
fn rows_are_filtered_sorted_and_cut() {
    let mut session = session();
    let above = Filter::Column("odd".into(), Test::Equal(Operand::Boolean(true)));
    let order = Order { column: "n".into(), descending: true };
    let mut request = Query { order_by: vec![order], limit: Some(2), offset: 1, ..all_of(above) };
    let (rows, next) = query(&mut session, &request).unwrap();
    assert_eq!(keys(&rows), ["t:03", "t:05"]);
    let (cursor, kind) = next.unwrap();
    assert_eq!(kind, CursorKind::Keyset);
    (request.offset, request.cursor) = (0, Some(cursor));
    let (rows, next) = query(&mut session, &request).unwrap();
    assert_eq!(keys(&rows), ["t:07", "t:09"]);
    assert!(next.is_none());
}

#[test]
fn a_limit_without_an_order_cuts_in_the_order_of_keys() {
    let mut session = session();
    let request = Query { limit: Some(3), offset: 2, ..all_of(Filter::TRUE) };
    let (rows, next) = query(&mut session, &request).unwrap();
    assert_eq!(keys(&rows), ["t:02", "t:03", "t:04"]);
    assert_eq!(next, Some(("t:04".to_owned(), CursorKind::Keyset)));
    let odd = Filter::Column("n".into(), Test::Equal(Operand::Integer(0)));
    let (rows, next) = query(&mut session, &Query { limit: Some(1), ..all_of(odd) }).unwrap();
    assert_eq!((keys(&rows), next), (vec!["t:09"], None));
    let (rows, next) = query(&mut session, &Query { limit: Some(0), ..all_of(Filter::TRUE) }).unwrap();
    assert!(rows.is_empty() && next.is_none());
    let (rows, _) = query(&mut session, &all_of(Filter::TRUE)).unwrap();
    assert_eq!(rows.len(), 11);
}

#[test]
fn counts_are_of_rows_and_of_nothing_else() {
    let mut session = session();
    let mut count = |target: &str, filter| session.count(&call(), &Count { target: target.into(), filter });
    assert_eq!(count("t", Filter::TRUE).unwrap().total, 11);
    let half = Filter::Column("odd".into(), Test::Equal(Operand::Boolean(false)));
    assert_eq!(count("t", half).unwrap().total, 5);
    assert_eq!(count("tt", Filter::TRUE).unwrap_err().code(), ErrorCode::InvalidTarget);
    let wrong = Filter::Column("nn".into(), Test::Compare(Comparison::Greater, Operand::Integer(1)));
    assert_eq!(count("t", wrong).unwrap_err().code(), ErrorCode::InvalidJob);
}

#[test]
fn a_count_of_more_keys_than_are_remembered_is_approximate() {
    let odd = || Filter::Column("odd".into(), Test::Equal(Operand::Boolean(true)));
    for (remembered, approximate) in [(100, false), (3, true)] {
        let mut session = session().remembering(remembered);
        for filter in [Filter::TRUE, odd()] {
            let counted = session.count(&call(), &Count { target: "t".into(), filter }).unwrap();
            assert_eq!(counted.approximate, approximate, "{counted:?}");
        }
        // Keys that are named come once.
        let named = Filter::Column(KEY.into(), Test::Equal(Operand::Text("t:01".into())));
        let counted = session.count(&call(), &Count { target: "t".into(), filter: named }).unwrap();
        assert_eq!(counted, Counted { total: 1, approximate: false });
    }
}

#[test]
fn an_unknown_cursor_column_or_target_is_refused() {
    let mut session = session();
    let cursor = Some("v1.bnVsbA".to_owned());
    assert_eq!(read(&mut session, 3, cursor.clone()).unwrap_err().code(), ErrorCode::InvalidJob);
    let wrong = [
        Query { cursor, ..all_of(Filter::TRUE) },
        Query { select: Some(vec!["m".into()]), ..all_of(Filter::TRUE) },
        Query { order_by: vec![Order { column: "m".into(), descending: false }], ..all_of(Filter::TRUE) },
    ];
    for request in wrong {
        assert_eq!(query(&mut session, &request).unwrap_err().code(), ErrorCode::InvalidJob, "{request:?}");
    }
    let since = ChangedSince { column: "odd".into(), micros: 0 };
    let request =
        Read { target: "t".into(), fields: None, limit: 1, cursor: None, changed_since: Some(since) };
    assert_eq!(session.read(&call(), &request).err().unwrap().code(), ErrorCode::InvalidJob);
    let targets = session.list_targets().unwrap();
    assert_eq!(targets.iter().map(|target| target.name.as_str()).collect::<Vec<_>>(), ["other", "t"]);
    assert_eq!(session.ping().unwrap().product, "Shelf");
}

#[test]
fn members_beyond_the_sample_are_shown_all_the_same() {
    let mut session = session();
    session.sample_rows = 1;
    session.commands().text("t:zz", r#"{"rare": 1}"#);
    session.introspect("t").unwrap();
    let (rows, _) = query(&mut session, &all_of(Filter::TRUE)).unwrap();
    assert!(rows.iter().any(|row| row["rare"] == 1));
}

#[test]
fn what_does_not_fit_into_memory_is_not_sorted() {
    let mut shelf = Shelf::default();
    let text = "x".repeat(1024 * 1024);
    (0..40).for_each(|n| shelf.text(&format!("t:{n}"), &json!({"n": n, "text": text}).to_string()));
    let mut session = Keyspace::new(shelf, 10);
    let by_n = vec![Order { column: "n".into(), descending: false }];
    let request = Query { order_by: by_n, ..all_of(Filter::TRUE) };
    assert_eq!(query(&mut session, &request).unwrap_err().code(), ErrorCode::ResultTooLarge);
    let few = Query { limit: Some(3), ..request.clone() };
    assert_eq!(query(&mut session, &few).unwrap().0.len(), 3);
    let narrow = Query { select: Some(vec!["n".into()]), ..request };
    assert_eq!(query(&mut session, &narrow).unwrap().0.len(), 40);
}

#[test]
fn hashes_are_asked_for_as_hashes_once_a_sample_has_shown_them() {
    let mut shelf = Shelf::default();
    (0..5).for_each(|n| shelf.hash(&format!("h:{n}"), &[("n", "1")]));
    let mut session = Keyspace::new(shelf, 100);
    session.introspect("h").unwrap();
    session.commands().sent.clear();
    let id = Test::Equal(Operand::Text("h:3".into()));
    let request = Query { target: "h".into(), ..all_of(Filter::Column(KEY.into(), id)) };
    let (rows, _) = query(&mut session, &request).unwrap();
    assert_eq!((keys(&rows), session.commands().sent.as_slice()), (vec!["h:3"], &["HGETALL"][..]));
}
