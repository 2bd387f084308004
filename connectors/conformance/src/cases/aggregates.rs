//! Groups and measures: every function, every bucket, joins, and aggregates that cannot be.

use connector_memory::{Table, Value};
use connector_model::error::ErrorCode;
use connector_model::request::aggregate::TimeUnit;
use connector_model::request::{Kind, Request};
use serde_json::{Value as Json, json};

use super::sales::{COUNTRIES, SALES, SHOWN, Sales};
use super::tables::large;
use crate::bench::Bench;
use crate::job::{Job, Outcome};
use crate::report::{Failure, Report};
use crate::subject::Subject;

/// How long a list of ids has to be able to be.
const LONG_LIST: i64 = 50_000;

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let sales = Sales::of(subject)?;
    let many = large(subject)?;
    let mut tables = sales.tables.clone();
    tables.push(many.clone());
    let mut bench = Bench::open(subject, tables).await?;
    let name = |at: usize| sales.tables.get(at).map(|table| table.name.clone()).unwrap_or_default();
    let (own, other, shown) = (name(SALES), name(COUNTRIES), name(SHOWN));
    let jobs = right(&sales, &other).into_iter().map(|options| Job::new(Kind::Aggregate, &own, options));
    let of_view =
        chosen().into_iter().chain(joined(&other)).map(|options| Job::new(Kind::Aggregate, &shown, options));
    for job in jobs.chain(of_view).chain(over_many(&many)) {
        report.judged(served(&mut bench, &job).await);
    }
    let wrong = if bench.aggregates().supports { wrong(&sales, &other) } else { Vec::new() };
    for options in wrong {
        let job = Job::new(Kind::Aggregate, &own, options);
        report.judged(refused(&mut bench, &job).await);
    }
    for options in hostile(&own) {
        let job = Job::new(Kind::Aggregate, &own, options);
        report.judged(served(&mut bench, &job).await);
        let untouched = Job::new(Kind::Query, &own, json!({"orderBy": {"id": "asc"}}));
        report.judged(bench.check("the table is untouched", &untouched).await);
    }
    let unknown = Job::new(Kind::Aggregate, "no such target", json!({"measures": {"n": {"agg": "count"}}}));
    if bench.aggregates().supports {
        report.judged(bench.check("aggregates that cannot be", &unknown).await);
    }
    sampled(&mut bench, &many, report).await;
    Ok(())
}

/// What is declared has to be right, and what is not has to be refused.
async fn served(bench: &mut Bench<'_>, job: &Job) -> Result<(), Failure> {
    let request = job.request(bench.bridge(), &job.target);
    let served = match &request {
        Ok(Request::Aggregate(request)) => bench.aggregates().serve(request),
        // What cannot be parsed is answered alike by all.
        _ => true,
    };
    if served {
        return bench.check("aggregates", job).await;
    }
    let got = bench.ask(job).await;
    if got.error().is_some_and(|error| error.code() == ErrorCode::UnsupportedJob) {
        return Ok(());
    }
    let problem = "it is not declared, and not refused".to_owned();
    Err(bench.failure("undeclared aggregates", job, problem, "UNSUPPORTED_JOB", &got.to_string()))
}

/// What cannot be is refused as such, unless it is not declared and refused as that.
async fn refused(bench: &mut Bench<'_>, job: &Job) -> Result<(), Failure> {
    let request = job.request(bench.bridge(), &job.target);
    if let Ok(Request::Aggregate(request)) = request
        && !bench.aggregates().serve(&request)
    {
        let got = bench.ask(job).await;
        if got.error().is_some_and(|error| error.code() == ErrorCode::UnsupportedJob) {
            return Ok(());
        }
    }
    bench.check("aggregates that cannot be", job).await
}

/// Requests with an answer.
fn right(sales: &Sales, countries: &str) -> Vec<Json> {
    let mut all = vec![json!({}), json!({"measures": {}, "dimensions": []})];
    all.extend(sales.measures.iter().map(|measure| json!({"measures": {"m": measure}})));
    let everything: serde_json::Map<String, Json> = (0..)
        .zip(&sales.measures)
        .map(|(at, measure): (i32, &Json)| (format!("m {at}"), measure.clone()))
        .collect();
    // With dimensions, with none that match, and with a condition on each measure.
    all.push(json!({"measures": everything, "dimensions": [{"field": "country"}]}));
    all.push(json!({"measures": everything, "candidatesWhere": {"id": -1}}));
    all.push(
        json!({"measures": everything, "candidatesWhere": {"id": -1}, "dimensions": [{"field": "country"}]}),
    );
    let mut conditional = everything;
    conditional.values_mut().filter_map(Json::as_object_mut).for_each(|measure| {
        measure.insert("where".to_owned(), json!({"$or": [{"country": {"$gt": 50}}, {"name": "beta"}]}));
    });
    all.push(json!({"measures": conditional}));
    all.push(json!({"measures": conditional, "dimensions": [{"field": "name"}]}));
    if sales.has_moments {
        for unit in TimeUnit::ALL {
            let dimension = json!({"field": "at", "bucket": unit.as_str()});
            all.push(json!({"dimensions": [dimension], "measures": {"n": {"agg": "count"}}, "sort": [{"key": "at"}]}));
        }
        for agg in ["first", "last"] {
            let measure = json!({"agg": agg, "column": "id"});
            let named = json!({"agg": agg, "column": "name"});
            let options = json!({"measures": {"m": measure, "n": named}, "changeTrackingColumn": "at"});
            all.push(options.clone());
            let mut grouped = options;
            if let Some(options) = grouped.as_object_mut() {
                options.insert("dimensions".to_owned(), json!([{"field": "country"}]));
            }
            all.push(grouped);
        }
    }
    let numeric = |field: &str, bucket: Json| json!({"dimensions": [{"field": field, "bucket": bucket}], "sort": [{"key": field}]});
    for (field, bucket) in [
        ("id", json!({"type": "numeric", "step": 5})),
        ("id", json!({"type": "numeric", "step": 0.25})),
        ("country", json!({"type": "numeric", "breaks": [-10, 49, 56, 1000]})),
        ("price", json!({"type": "numeric", "step": 0.5})),
        ("price", json!({"type": "numeric", "step": 2})),
        ("price", json!({"type": "numeric", "breaks": [-1.5, 0.25, 2.75]})),
        ("price", json!({"type": "numeric", "breaks": [-1e9, -0.5]})),
    ] {
        all.push(numeric(field, bucket));
    }
    all.extend(chosen());
    all.extend(joined(countries));
    let ids: Vec<Json> = (2..LONG_LIST).map(Json::from).chain([json!("1"), json!("x"), json!(1.5)]).collect();
    all.push(json!({"ids": ids, "dimensions": [{"field": "country"}]}));
    all.push(json!({"candidatesWhere": {"id": {"$in": ids}}, "measures": {"n": {"agg": "count", "where": {"id": {"$nin": ids}}}}}));
    all
}

/// `having`, `sort`, `limit` and `ids`.
fn chosen() -> Vec<Json> {
    let by_name = |extra: Json| {
        let mut options = json!({
            "dimensions": [{"field": "name", "as": "who"}, {"field": "country"}],
            "measures": {"total": {"agg": "sum", "column": "id"}, "high": {"agg": "max", "column": "price"}},
        });
        if let (Some(options), Json::Object(extra)) = (options.as_object_mut(), extra) {
            options.extend(extra);
        }
        options
    };
    [
        json!({"having": {"total": {"$gt": 3}}}),
        json!({"having": {"total": {"$gte": 3, "$lt": 12}}}),
        json!({"having": {"total": 3}}),
        json!({"having": {"count": {"$in": [2, "3"]}}}),
        json!({"having": {"$not": {"count": 1}}}),
        json!({"having": {"high": null}}),
        json!({"having": {"high": {"$exists": true}}}),
        json!({"having": {"$or": [{"high": {"$lt": 0.5}}, {"total": {"$gt": 9}}]}}),
        json!({"having": {"$not": {"high": {"$gt": 0}}}}),
        json!({"sort": [{"key": "total", "dir": "desc"}]}),
        json!({"sort": [{"key": "total", "dir": "desc"}], "limit": 2}),
        json!({"sort": [{"key": "high"}]}),
        json!({"sort": [{"key": "high", "dir": "desc"}], "limit": 3}),
        json!({"sort": [{"key": "count"}, {"key": "who", "dir": "desc"}]}),
        json!({"sort": [{"key": "country", "dir": "desc"}, {"key": "total"}]}),
        json!({"limit": 1}),
        json!({"limit": 0}),
        json!({"ids": [1, "2", 3, "no id", 4.5]}),
        json!({"ids": []}),
        json!({"ids": [5], "candidatesWhere": {"id": {"$gt": 5}}}),
        json!({"having": {"total": {"$lt": 5}}, "sort": [{"key": "who"}], "limit": 1, "candidatesWhere": {"price": {"$ne": null}}}),
    ]
    .map(by_name)
    .into_iter()
    .chain([
        json!({"having": {"count": 0}, "candidatesWhere": {"id": -1}}),
        json!({"having": {"count": {"$gt": 0}}, "candidatesWhere": {"id": -1}}),
        json!({"limit": 0}),
        // A measure that is called like the number of rows stands for it.
        json!({
            "dimensions": [{"field": "country"}],
            "measures": {"count": {"agg": "max", "column": "id"}},
            "having": {"count": {"$gt": 4}},
            "sort": [{"key": "count", "dir": "desc"}],
        }),
        json!({"dimensions": [{"field": "country"}, {"field": "country", "as": "again"}], "sort": [{"key": "again"}]}),
    ])
    .collect()
}

/// Joins that match once, twice and never.
fn joined(countries: &str) -> Vec<Json> {
    let join = |alias: &str| json!({"target": countries, "alias": alias, "kind": "left", "on": {"local": "country", "foreign": "id"}});
    let count = json!({"n": {"agg": "count"}, "ids": {"agg": "sum", "column": "id"}, "names": {"agg": "count_distinct", "column": "c.name"}});
    vec![
        json!({"joins": [join("c")], "dimensions": [{"field": "name", "from": "c"}], "measures": count}),
        json!({"joins": [join("c")], "dimensions": [{"field": "c.name"}, {"field": "name"}], "measures": count, "sort": [{"key": "c.name"}]}),
        json!({"joins": [join("c")], "measures": count}),
        json!({"joins": [join("c")], "measures": count, "candidatesWhere": {"c.name": null}}),
        json!({"joins": [join("c")], "measures": count, "candidatesWhere": {"$not": {"c.name": {"$contains": "i"}}}}),
        json!({"joins": [join("c")], "measures": count, "ids": [1, 2, 3]}),
        json!({"joins": [join("c"), join("d")], "measures": {"n": {"agg": "count", "where": {"d.name": "Chile"}}, "top": {"agg": "top_k", "column": "d.name", "k": 2}},
               "dimensions": [{"field": "name", "from": "c", "as": "d.name"}]}),
    ]
}

/// More groups than any buffer holds, and few over many rows.
fn over_many(many: &Table) -> Vec<Job> {
    let job = |options| Job::new(Kind::Aggregate, &many.name, options);
    vec![
        job(json!({"dimensions": [{"field": "id"}], "sort": [{"key": "id"}]})),
        job(json!({"dimensions": [{"field": "id", "bucket": {"type": "numeric", "step": 1000}}],
                   "measures": {"sum": {"agg": "sum", "column": "id"}, "median": {"agg": "percentile", "column": "id", "p": 0.5},
                                "texts": {"agg": "count_distinct", "column": "text"}, "top": {"agg": "top_k", "column": "id", "k": 3}}})),
    ]
}

/// Requests that have none.
fn wrong(sales: &Sales, countries: &str) -> Vec<Json> {
    let on = json!({"local": "country", "foreign": "id"});
    let join = |json: Json| json!({"joins": [json]});
    let measure = |json: Json| json!({"measures": {"m": json}});
    let mut all = vec![
        // Columns that are not there, in each place that names one.
        json!({"dimensions": [{"field": "contry"}]}),
        measure(json!({"agg": "sum", "column": "idd"})),
        measure(json!({"agg": "count", "column": "idd"})),
        measure(json!({"agg": "count", "where": {"idd": 1}})),
        json!({"candidatesWhere": {"$or": [{"id": 1}, {"nmae": 1}]}}),
        json!({"measures": {"m": {"agg": "first", "column": "id"}}, "changeTrackingColumn": "att"}),
        join(json!({"target": countries, "alias": "c", "on": {"local": "contry", "foreign": "id"}})),
        join(json!({"target": countries, "alias": "c", "on": {"local": "country", "foreign": "idd"}})),
        json!({"joins": [{"target": countries, "alias": "c", "on": on}], "dimensions": [{"field": "nmae", "from": "c"}]}),
        json!({"joins": [{"target": countries, "alias": "c", "on": on}], "candidatesWhere": {"c.nmae": 1}}),
        json!({"dimensions": [{"field": "c.name"}]}),
        // Aliases that stand for nothing, or for each other.
        json!({"joins": [{"target": countries, "alias": "c", "on": {"local": "d.id", "foreign": "id"}},
                         {"target": countries, "alias": "d", "on": {"local": "c.id", "foreign": "id"}}]}),
        json!({"dimensions": [{"field": "name", "from": "c"}]}),
        join(json!({"target": "no such target", "alias": "c", "on": on})),
        // Types that cannot be measured or grouped so.
        measure(json!({"agg": "sum", "column": "name"})),
        measure(json!({"agg": "avg", "column": "name"})),
        measure(json!({"agg": "percentile", "column": "name", "p": 0.5})),
        json!({"dimensions": [{"field": "name", "bucket": {"type": "numeric", "step": 1}}]}),
        json!({"dimensions": [{"field": "name", "bucket": {"type": "numeric", "breaks": [0, 1]}}]}),
        json!({"dimensions": [{"field": "id", "bucket": "day"}]}),
        json!({"candidatesWhere": {"id": {"$gt": "x"}}}),
        measure(json!({"agg": "count", "where": {"id": {"$gt": "x"}}})),
        json!({"having": {"count": {"$gt": "x"}}}),
        // Options of the wrong shape.
        measure(json!({"agg": "percentile", "column": "id", "p": 2})),
        measure(json!({"agg": "top_k", "column": "id", "k": 0})),
        measure(json!({"agg": "median", "column": "id"})),
        json!({"dimensions": [{"field": "id", "bucket": {"type": "numeric", "step": "1) * (select 1"}}]}),
        json!({"dimensions": [{"field": "id", "bucket": {"type": "h3", "resolution": 3}}]}),
        json!({"dimensions": [{"field": "id"}, {"field": "name", "as": "id"}]}),
        join(json!({"target": countries, "alias": "t; drop", "on": on})),
        json!({"joins": [{"target": countries, "alias": "c", "on": on}, {"target": countries, "alias": "c", "on": on}]}),
        json!({"having": {"nothing": 1}}),
        json!({"sort": [{"key": "nothing"}]}),
        json!({"sample": 2}),
        json!({"limit": -1}),
    ];
    if !sales.moments_in_text {
        all.push(json!({"dimensions": [{"field": "name", "bucket": "day"}]}));
    }
    if sales.has_json {
        all.push(json!({"dimensions": [{"field": "document"}]}));
        all.push(measure(json!({"agg": "min", "column": "document"})));
        all.push(measure(json!({"agg": "top_k", "column": "document", "k": 1})));
        all.push(join(
            json!({"target": countries, "alias": "c", "on": {"local": "document", "foreign": "id"}}),
        ));
    }
    all
}

/// SQL in every name: some are names of the caller's own and stay text, others name nothing.
fn hostile(own: &str) -> Vec<Json> {
    let payloads = [
        format!("'; DROP TABLE {}; --", crate::ddl::quoted(own)),
        "\" from x; --".to_owned(),
        "`a`".to_owned(),
        "]; select 1; --".to_owned(),
        "a\\'b".to_owned(),
        "$1".to_owned(),
        "?".to_owned(),
        "{\"dims\":".to_owned(),
        "日本語 🦀\n".to_owned(),
        "x".repeat(200),
    ];
    let of = |payload: String| {
        let ids = json!([payload, 1]);
        [
            json!({
                "dimensions": [{"field": "country", "as": payload}],
                "measures": {payload.as_str(): {"agg": "max", "column": "name"}, "b": {"agg": "count", "where": {"name": payload}}},
                "having": {payload.as_str(): {"$ne": payload}},
                "sort": [{"key": payload, "dir": "desc"}],
                "candidatesWhere": {"name": {"$ne": payload}},
            }),
            json!({ "ids": ids }),
            json!({"dimensions": [{"field": payload}]}),
            json!({"measures": {"m": {"agg": "sum", "column": payload}}}),
            json!({"measures": {"m": {"agg": payload}}}),
            json!({"dimensions": [{"field": "country", "bucket": payload}]}),
            json!({"changeTrackingColumn": payload}),
            json!({"joins": [{"target": payload, "alias": "c", "on": {"local": "country", "foreign": "id"}}]}),
            json!({"joins": [{"target": own, "alias": "c", "on": {"local": payload, "foreign": payload}}]}),
        ]
    };
    payloads.into_iter().flat_map(of).collect()
}

/// A sample is a part of the rows, of about the size asked for, and the same part each time.
async fn sampled(bench: &mut Bench<'_>, many: &Table, report: &mut Report) {
    if !bench.aggregates().sampling {
        return;
    }
    for share in [0.5, 0.1] {
        let options = json!({"sample": share, "measures": {"sum": {"agg": "sum", "column": "id"}}});
        let job = Job::new(Kind::Aggregate, &many.name, options);
        let (one, other) = (bench.ask(&job).await, bench.ask(&job).await);
        let counted =
            |outcome: &Outcome| outcome.rows().and_then(|(rows, _)| rows.first()?.get("count")?.as_f64());
        #[allow(clippy::cast_precision_loss, reason = "some thousand rows")]
        let rows = many.rows.len() as f64;
        // Six standard deviations of a binomial distribution.
        let error = 6.0 * (rows * share * (1.0 - share)).sqrt();
        let fits = counted(&one).is_some_and(|count| (count - rows * share).abs() <= error);
        let same = one.rows().map(|(rows, _)| rows) == other.rows().map(|(rows, _)| rows);
        report.judged(if fits && same {
            Ok(())
        } else {
            let problem = "the sample has another size, or is another one each time".to_owned();
            Err(bench.failure(
                "sampling",
                &job,
                problem,
                &format!("about {share} of {rows} rows"),
                &format!("{one}\n  and {other}"),
            ))
        });
    }
}

/// A row is what it is: the cells of one.
pub(super) fn cells(cells: impl IntoIterator<Item = Option<Value>>) -> Vec<Value> {
    cells.into_iter().map(|cell| cell.unwrap_or(Value::Null)).collect()
}
