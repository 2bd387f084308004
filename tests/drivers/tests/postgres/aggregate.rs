//! Groups and their measures, computed by the server.

mod extremes;

use connector_api::{CallContext, Session};
use connector_model::error::{ErrorCode, Result};
use connector_model::request::Kind;
use driver_tests::{LIMIT, job, open_context, source};
use serde_json::{Value, json};
use test_servers::{PgBouncer, PgBouncerOptions};

use crate::{Driver, Server};

async fn groups(session: &mut dyn Session, target: &str, options: Value) -> Result<Vec<Value>> {
    let answer = job(session, Kind::Aggregate, target, &options, &CallContext::within(LIMIT)).await;
    answer.map(|answer| answer.rows)
}

const SALES: &str = "
    CREATE TABLE shops (id int PRIMARY KEY, city text, rent numeric(10,2));
    CREATE TABLE sales (id bigint PRIMARY KEY, shop int, kind text, amount numeric(12,2), pieces bigint,
                        weight double precision, at timestamptz, day date, paid bool, tag uuid, raw bytea, j jsonb,
                        mood text[]);
    INSERT INTO shops VALUES (1, 'Aachen', 100.10), (2, 'Bonn', 200), (3, NULL, 5);
    INSERT INTO sales VALUES
      (1, 1, 'tea',    0.10, 9007199254740993, 1.5, '2020-12-31 23:30Z', '2020-12-31', true,
       'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '\\x00ff', '{\"a\": 1}', '{x}'),
      (2, 1, 'tea',    0.20, 9007199254740993, 2.5, '2021-01-03 00:00Z', '2021-01-03', false,
       'B0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '\\xff', NULL, '{y,z}'),
      (3, 1, 'coffee', 0.70, 7, 0.5, '2021-01-04 00:00Z', '2021-01-04', NULL, NULL, NULL, '[2]', NULL),
      (4, 2, 'coffee', -5.55, -1, NULL, '2021-03-31 23:59:59.999999Z', '2021-03-31', true, NULL, NULL, NULL, NULL),
      (5, 2, 'juice',  1000000000.01, NULL, 4, NULL, NULL, true, NULL, NULL, NULL, NULL),
      (6, 9, 'juice',  NULL, 3, 'NaN', '2024-12-30 12:34:56Z', 'infinity', false, NULL, NULL, NULL, NULL),
      (7, NULL, NULL,  1, 2, 8, '2024-12-29 01:00Z', '2024-12-29', false, NULL, NULL, NULL, NULL);
    GRANT SELECT ON ALL TABLES IN SCHEMA public TO app;
    ALTER ROLE app SET TimeZone = 'Pacific/Auckland'";

/// A server with sales in it, and a session whose login is far away from UTC.
async fn sales() -> (Server, Box<dyn Session>) {
    let server = Server::start().await;
    server.run(SALES).await;
    let session = server.session().await;
    (server, session)
}

#[tokio::test]
async fn no_dimensions_are_one_group_whatever_matches() {
    let (_server, mut session) = sales().await;
    let measures = json!({
        "rows": {"agg": "count"}, "priced": {"agg": "count", "column": "amount"},
        "kinds": {"agg": "count_distinct", "column": "kind"}, "sum": {"agg": "sum", "column": "amount"},
        "pieces": {"agg": "sum", "column": "pieces"}, "avg": {"agg": "avg", "column": "shop"},
        "least": {"agg": "min", "column": "amount"}, "latest": {"agg": "max", "column": "at"},
        "paid": {"agg": "max", "column": "paid"}, "tag": {"agg": "max", "column": "tag"},
        "raw": {"agg": "min", "column": "raw"}, "median": {"agg": "percentile", "column": "shop", "p": 0.5},
        "tea": {"agg": "sum", "column": "amount", "where": {"kind": "tea"}},
        "teas": {"agg": "count", "where": {"kind": "tea"}},
        "first": {"agg": "first", "column": "j"}, "last": {"agg": "last", "column": "mood", "where": {"id": {"$lt": 3}}},
        "top": {"agg": "top_k", "column": "kind", "k": 2},
    });
    let options = |filter: Value| json!({"measures": measures, "candidatesWhere": filter, "changeTrackingColumn": "at"});
    let all = groups(&mut *session, "sales", options(json!({}))).await.unwrap();
    assert_eq!(
        all,
        [json!({
            "dims": {}, "count": 7,
            "measures": {
                "rows": 7, "priced": 6, "kinds": 3, "sum": 999999996.46, "pieces": "18014398509481997", "avg": 16.0 / 6.0,
                "least": "-5.55", "latest": "2024-12-30T12:34:56.000Z", "paid": true,
                "tag": "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "raw": "AP8=", "median": 1.5,
                "tea": 0.3, "teas": 2, "first": {"a": 1}, "last": ["y", "z"],
                "top": [{"key": "coffee", "count": 2}, {"key": "juice", "count": 2}],
            },
        })]
    );
    let none = groups(&mut *session, "sales", options(json!({"id": -1}))).await.unwrap();
    let nothing = &none[0]["measures"];
    assert_eq!((none.len(), &none[0]["count"]), (1, &json!(0)));
    assert_eq!((&nothing["rows"], &nothing["teas"], &nothing["top"]), (&json!(0), &json!(0), &json!([])));
    for name in ["sum", "avg", "least", "paid", "median", "tea", "first", "last"] {
        assert!(nothing[name].is_null(), "{name}: {nothing}");
    }
    let cut = json!({"measures": {"n": {"agg": "count"}}, "having": {"n": {"$gt": 7}}});
    assert_eq!(groups(&mut *session, "sales", cut).await.unwrap(), Vec::<Value>::new());
}

#[tokio::test]
async fn time_buckets_are_utc_and_weeks_are_isos() {
    let (_server, mut session) = sales().await;
    for (unit, expected) in [
        (
            "minute",
            json!([
                "2020-12-31T23:30",
                "2021-01-03T00:00",
                "2021-01-04T00:00",
                "2021-03-31T23:59",
                "2024-12-29T01:00",
                "2024-12-30T12:34"
            ]),
        ),
        ("day", json!(["2020-12-31", "2021-01-03", "2021-01-04", "2021-03-31", "2024-12-29", "2024-12-30"])),
        ("week", json!(["2020-W53", "2021-W01", "2021-W13", "2024-W52", "2025-W01"])),
        ("month", json!(["2020-12", "2021-01", "2021-03", "2024-12"])),
        ("quarter", json!(["2020-Q4", "2021-Q1", "2024-Q4"])),
        ("year", json!(["2020", "2021", "2024"])),
    ] {
        let options =
            json!({"dimensions": [{"field": "at", "bucket": unit, "as": "t"}], "sort": [{"key": "t"}]});
        let found = groups(&mut *session, "sales", options).await.unwrap();
        let labels: Vec<&Value> = found.iter().map(|group| &group["dims"]["t"]).collect();
        assert_eq!(json!(labels), expected, "{unit}");
    }
    let options =
        json!({"dimensions": [{"field": "day", "bucket": "week"}], "sort": [{"key": "day", "dir": "desc"}]});
    let found = groups(&mut *session, "sales", options).await.unwrap();
    let labels: Vec<&Value> = found.iter().map(|group| &group["dims"]["day"]).collect();
    // A day at infinity is in no week.
    assert_eq!(json!(labels), json!(["2024-W52", "2021-W13", "2021-W01", "2020-W53"]));
}

#[tokio::test]
async fn numeric_buckets_are_exact_and_floor_below_zero() {
    let (_server, mut session) = sales().await;
    for (field, bucket, expected) in [
        (
            "amount",
            json!({"step": 0.1}),
            json!([
                ["-5.6..-5.5", 1],
                ["0.1..0.2", 1],
                ["0.2..0.3", 1],
                ["0.7..0.8", 1],
                ["1..1.1", 1],
                ["1000000000..1000000000.1", 1]
            ]),
        ),
        (
            "pieces",
            json!({"step": 4}),
            json!([["-4..0", 1], ["0..4", 2], ["4..8", 1], ["9007199254740992..9007199254740996", 2]]),
        ),
        ("weight", json!({"step": 2.5}), json!([["0..2.5", 2], ["2.5..5", 2], ["7.5..10", 1]])),
        ("amount", json!({"breaks": [-10, 0, 0.2, 1]}), json!([["-10..0", 1], ["0..0.2", 1], ["0.2..1", 2]])),
        ("weight", json!({"breaks": [0.5, 4]}), json!([["0.5..4", 3]])),
    ] {
        let mut typed = bucket.clone();
        typed["type"] = json!("numeric");
        let options = json!({"dimensions": [{"field": field, "bucket": typed}], "sort": [{"key": field}]});
        let found = groups(&mut *session, "sales", options).await.unwrap();
        let shown: Vec<Value> =
            found.iter().map(|group| json!([group["dims"][field], group["count"]])).collect();
        assert_eq!(json!(shown), expected, "{field} {bucket}");
    }
}

#[tokio::test]
async fn joins_having_sort_and_limit_work_on_the_groups() {
    let (_server, mut session) = sales().await;
    let joins = json!([{"target": "shops", "alias": "shop", "on": {"local": "shop", "foreign": "id"}}]);
    let options = json!({
        "joins": joins,
        "dimensions": [{"field": "city", "from": "shop", "as": "where"}],
        "measures": {"sum": {"agg": "sum", "column": "amount"}, "rent": {"agg": "max", "column": "shop.rent"},
                     "kinds": {"agg": "top_k", "column": "kind", "k": 1},
                     "cities": {"agg": "top_k", "column": "shop.city", "k": 3}},
        "candidatesWhere": {"shop.rent": {"$gte": 100}},
        "having": {"sum": {"$gt": 0.5}, "count": {"$gte": 2}},
        "sort": [{"key": "sum", "dir": "desc"}],
    });
    let found = groups(&mut *session, "sales", options.clone()).await.unwrap();
    assert_eq!(
        found,
        [
            json!({"dims": {"where": "Bonn"}, "count": 2, "measures": {
                "sum": 999999994.46, "rent": "200.00", "kinds": [{"key": "coffee", "count": 1}],
                "cities": [{"key": "Bonn", "count": 2}]}}),
            json!({"dims": {"where": "Aachen"}, "count": 3, "measures": {
                "sum": 1, "rent": "100.10", "kinds": [{"key": "tea", "count": 2}],
                "cities": [{"key": "Aachen", "count": 3}]}}),
        ]
    );
    let mut limited = options;
    limited["limit"] = json!(1);
    assert_eq!(groups(&mut *session, "sales", limited.clone()).await.unwrap(), found[..1]);
    limited["limit"] = json!(0);
    assert_eq!(groups(&mut *session, "sales", limited).await.unwrap(), Vec::<Value>::new());

    let by_kind = json!({"dimensions": [{"field": "kind"}], "limit": 2, "ids": ["1", 4, "x", 5, 7]});
    let found = groups(&mut *session, "sales", by_kind).await.unwrap();
    assert_eq!(
        found,
        [
            json!({"dims": {"kind": "coffee"}, "count": 1, "measures": {}}),
            json!({"dims": {"kind": "juice"}, "count": 1, "measures": {}}),
        ]
    );
}

#[tokio::test]
async fn first_and_last_pass_over_rows_without_a_moment() {
    let (_server, mut session) = sales().await;
    let options = json!({
        "dimensions": [{"field": "kind"}], "sort": [{"key": "kind"}], "changeTrackingColumn": "at",
        "measures": {"first": {"agg": "first", "column": "weight"}, "last": {"agg": "last", "column": "id"},
                     "own": {"agg": "last", "column": "pieces", "where": {"paid": true}}},
    });
    let found = groups(&mut *session, "sales", options).await.unwrap();
    let measures: Vec<&Value> = found.iter().map(|group| &group["measures"]).collect();
    assert_eq!(
        json!(measures),
        json!([
            {"first": 0.5, "last": "4", "own": "-1"},
            {"first": null, "last": "6", "own": null},
            {"first": 1.5, "last": "2", "own": "9007199254740993"},
        ])
    );
}

#[tokio::test]
async fn values_of_every_type_are_grouped_compared_and_kept_as_they_are() {
    let server = Server::start().await;
    server
        .run(
            "CREATE TYPE mood AS ENUM ('sad', 'o\"k');
             CREATE DOMAIN small AS int CHECK (VALUE < 100);
             CREATE DOMAIN document AS json;
             CREATE TYPE pair AS (a int, b text);
             CREATE TABLE t (
               id int PRIMARY KEY, b bool, i2 smallint, i8 bigint, f4 real, f8 double precision, n numeric, m money,
               s text, v varchar(5), c char(3), ch \"char\", nm name, u uuid, d date, tm time, ts timestamp,
               tz timestamptz, ttz timetz, iv interval, j json, jb jsonb, dj document, by bytea, p point, bx box,
               ai int[], at text[][], aj json[], ab jsonb[], ae mood[], am money[], e mood, dm small, pr pair, ip inet,
               ci cidr, r int4range, x xml, o oid, bits bit(3), tsv tsvector, lsn pg_lsn);
             INSERT INTO t VALUES (
               1, true, -3, 9223372036854775807, 0.1, 1e300, -12345.67890, 1234.5, 'a\"', 'v', 'c', 'z', 'name',
               'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '2024-02-29', '13:14:15.5', '2024-02-29 13:14:15.123456',
               '2024-02-29 13:14:15+02', '10:00+01', '1 mon 2 days', '{\"a\": 1.0000000000000000001}', '[2.50]', '[1]',
               '\\x00ff', '(1.5,-2)', '(1,2),(3,4)', '{1,NULL,3}', '{{a,b},{c,NULL}}', ARRAY['1'::json],
               ARRAY['1'::jsonb], '{sad,NULL}', '{1.5}', 'o\"k', 42, '(1,x)', '10.0.0.1/8', '10.0.0.0/8', '[1,5)',
               '<a/>', 4294967295, '101', 'a b', '0/1');
             GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
        )
        .await;
    let mut session = server.session().await;
    let row = crate::query(&mut *session, "t", json!({})).await.unwrap().rows.remove(0);
    let columns: Vec<String> = row.as_object().unwrap().keys().cloned().collect();
    let mut without_order = Vec::new();
    for column in &columns {
        let kept = json!({
            "measures": {"first": {"agg": "first", "column": column}, "last": {"agg": "last", "column": column},
                         "n": {"agg": "count", "column": column}},
            "changeTrackingColumn": "id",
        });
        let kept = groups(&mut *session, "t", kept).await.unwrap_or_else(|error| panic!("{column}: {error}"));
        assert_eq!(
            kept[0]["measures"],
            json!({"first": row[column], "last": row[column], "n": 1}),
            "{column}"
        );
        let compared = json!({
            "dimensions": [{"field": column, "as": "d"}],
            "measures": {"min": {"agg": "min", "column": column}, "max": {"agg": "max", "column": column},
                         "n": {"agg": "count_distinct", "column": column},
                         "top": {"agg": "top_k", "column": column, "k": 1}},
            "sort": [{"key": "min"}, {"key": "d"}],
        });
        let compared = match groups(&mut *session, "t", compared).await {
            Ok(compared) => compared,
            Err(error) if error.code() == ErrorCode::InvalidJob => {
                without_order.push(column.as_str());
                continue;
            }
            Err(error) => panic!("{column}: {error}"),
        };
        let value = &row[column];
        let expected = json!({
            "dims": {"d": value}, "count": 1,
            "measures": {"min": value, "max": value, "n": 1, "top": [{"key": value, "count": 1}]},
        });
        assert_eq!(compared, [expected], "{column}");
    }
    without_order.sort_unstable();
    let expected = ["ab", "ae", "ai", "aj", "am", "at", "bx", "dj", "j", "jb", "p"];
    assert_eq!(without_order, expected);
}

#[tokio::test]
async fn what_is_wrong_is_named_before_any_sql_is_sent() {
    let (_server, mut session) = sales().await;
    let joined = |local: &str, foreign: &str| json!({"joins": [{"target": "shops", "alias": "s", "on": {"local": local, "foreign": foreign}}]});
    let measure = |json: Value| json!({"measures": {"m": json}});
    let dimension = |json: Value| json!({"dimensions": [json]});
    for (options, option) in [
        (measure(json!({"agg": "sum", "column": "amuont"})), "measures.m.column"),
        (measure(json!({"agg": "sum", "column": "kind"})), "measures.m.column"),
        (measure(json!({"agg": "percentile", "column": "day", "p": 0.5})), "measures.m.column"),
        (measure(json!({"agg": "min", "column": "j"})), "measures.m.column"),
        (measure(json!({"agg": "top_k", "column": "mood", "k": 3})), "measures.m.column"),
        (measure(json!({"agg": "count", "where": {"kid": 1}})), "measures.m.where"),
        (measure(json!({"agg": "count", "where": {"pieces": {"$gt": "x"}}})), "measures.m.where"),
        (dimension(json!({"field": "kidn"})), "dimensions[0].field"),
        (dimension(json!({"field": "j"})), "dimensions[0].field"),
        (dimension(json!({"field": "kind", "bucket": "day"})), "dimensions[0].bucket"),
        (
            dimension(json!({"field": "kind", "bucket": {"type": "numeric", "step": 1}})),
            "dimensions[0].bucket",
        ),
        (json!({"candidatesWhere": {"nothing": 1}}), "candidatesWhere"),
        (json!({"measures": {"m": {"agg": "count"}}, "having": {"m": {"$gt": "many"}}}), "having"),
        (json!({"changeTrackingColumn": "updated"}), "changeTrackingColumn"),
        (joined("shp", "id"), "joins[0].on.local"),
        (joined("shop", "ident"), "joins[0].on.foreign"),
        (joined("shop", "city"), "joins[0].on.foreign"),
    ] {
        let error = groups(&mut *session, "sales", options.clone()).await.unwrap_err();
        assert_eq!(
            (error.code(), &error.detail()["option"]),
            (ErrorCode::InvalidJob, &json!(option)),
            "{error}"
        );
    }
    let lost =
        json!({"joins": [{"target": "shosp", "alias": "s", "on": {"local": "shop", "foreign": "id"}}]});
    let error = groups(&mut *session, "sales", lost).await.unwrap_err();
    assert_eq!(
        (error.code(), &error.detail()["option"]),
        (ErrorCode::InvalidTarget, &json!("joins[0].target"))
    );
    let sampled = groups(&mut *session, "sales", json!({"sample": 0.5})).await.unwrap_err();
    assert_eq!(sampled.code(), ErrorCode::UnsupportedJob);
}

#[tokio::test]
async fn ten_thousand_groups_stream_and_a_cancelled_one_leaves_the_session_usable() {
    let (server, mut session) = sales().await;
    server
        .run(
            "CREATE TABLE many AS SELECT n AS id, n % 10000 AS bucket, md5(n::text) AS hash
              FROM generate_series(1, 60000) n; GRANT SELECT ON many TO app",
        )
        .await;
    let options = json!({
        "dimensions": [{"field": "bucket"}], "sort": [{"key": "bucket"}],
        "measures": {"sum": {"agg": "sum", "column": "id"}, "top": {"agg": "top_k", "column": "hash", "k": 2}},
    });
    let found = groups(&mut *session, "many", options.clone()).await.unwrap();
    assert_eq!(found.len(), 10_000);
    for (at, group) in found.iter().enumerate() {
        assert_eq!(group["dims"]["bucket"], json!(at));
        assert_eq!((&group["count"], group["measures"]["top"].as_array().unwrap().len()), (&json!(6), 2));
    }
    let cx = CallContext::within(std::time::Duration::from_millis(1));
    let error = job(&mut *session, Kind::Aggregate, "many", &options, &cx).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout);
    assert!(session.reusable());
    let counted = groups(&mut *session, "many", json!({})).await.unwrap();
    assert_eq!(counted, [json!({"dims": {}, "measures": {}, "count": 60_000})]);
}

#[tokio::test]
async fn a_table_that_changes_between_two_jobs_is_read_anew() {
    let (server, mut session) = sales().await;
    let options =
        json!({"dimensions": [{"field": "city"}], "measures": {"r": {"agg": "max", "column": "rent"}}});
    assert_eq!(groups(&mut *session, "shops", options.clone()).await.unwrap().len(), 2);
    server.run("ALTER TABLE shops ALTER COLUMN rent TYPE text, ADD COLUMN more int").await;
    let found = groups(&mut *session, "shops", options).await.unwrap();
    assert!(found.iter().any(|group| group["measures"]["r"] == json!("200.00")), "{found:?}");
}

#[tokio::test]
async fn a_query_with_joins_names_their_columns() {
    use connector_api::{RowSink, SinkLimits};
    use connector_model::filter::Filter;
    use connector_model::request::Query;
    use connector_model::request::aggregate::Join;

    let (_server, mut session) = sales().await;
    let query = Query {
        target: "sales".into(),
        select: Some(vec!["id".into(), "shop.city".into()]),
        filter: Filter::TRUE,
        joins: vec![Join {
            target: "shops".into(),
            alias: "shop".into(),
            local: "shop".into(),
            foreign: "id".into(),
        }],
        order_by: Vec::new(),
        limit: None,
        offset: 0,
        cursor: None,
        include_total: false,
    };
    let mut collector = driver_tests::Collector::default();
    let mut out = RowSink::new(&mut collector, SinkLimits::default());
    session.query(&CallContext::within(LIMIT), &query, &mut out).await.unwrap();
    out.flush().await.unwrap();
    let mut rows = collector.rows().unwrap();
    rows.sort_by_key(|row| row["id"].as_str().map(str::to_owned));
    assert_eq!(rows.len(), 7);
    assert_eq!(rows[0], json!({"id": "1", "shop.city": "Aachen"}));
    assert_eq!(rows[6], json!({"id": "7", "shop.city": null}));
}

#[tokio::test]
async fn the_same_answers_come_through_a_pooler() {
    let (server, mut direct) = sales().await;
    let pooler = PgBouncer::start(&server.postgres, &PgBouncerOptions::default()).await.unwrap();
    let source = source(&Driver::new(), &[("url", &pooler.url())]).unwrap();
    let mut pooled = source.open(&open_context().unwrap()).await.unwrap();
    let options = json!({
        "dimensions": [{"field": "at", "bucket": "hour"}], "sort": [{"key": "at"}],
        "measures": {"tag": {"agg": "min", "column": "tag"}, "last": {"agg": "last", "column": "raw"}},
    });
    let expected = groups(&mut *direct, "sales", options.clone()).await.unwrap();
    assert_eq!(groups(&mut *pooled, "sales", options).await.unwrap(), expected);
    assert_eq!(expected.len(), 6);
}
