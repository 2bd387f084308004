//! A connector as a module against the same connector compiled natively: the same logic, server and rows, both in this
//! process, each up to the chunks that a socket would take.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use component_tests::{Opening, component};
use connector_api::{CallContext, RowSink, SinkLimits};
use connector_model::request::{Kind, Query, Request, parse};
use keyspace::{Command, Commands};
use redis_connector::Redis;
use redis_connector::connection::Connection;
use redis_connector::settings::Place;
use semilayer_connector::prelude::{Call, Config as _, Connector, Fill};
use semilayer_connector::{RowWriter, Session as _};
use test_servers::RedisClient;

use super::driver::Nowhere;
use crate::figure::Figure;
use crate::keys::Keys as Draw;
use crate::statistics::{grouped, median, micros, percentile, rate};
use crate::world::{Keys, World};

/// Longer than any result.
const LIMIT: Duration = Duration::from_secs(60);

type Native = <Redis as Connector>::Session;
type Hosted = Box<dyn connector_api::Session>;

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let keys = Keys::start(world.plan).await?;
    let url = keys.url();
    let module = component("redis").await?;
    let mut hosted = Opening::default().session(&*module.connector, &[("url", &url)]).await?;
    let settings = || <Redis as Connector>::Config::from_json(&serde_json::json!({ "url": url }).to_string());
    let mut native = Redis::open(settings()?, LIMIT)?;
    let blocking = Connection::open(Place::of(settings()?)?)?;
    let mut waits = Waits { blocking, awaiting: keys.admin().await? };
    let [rows, small] = [
        throughput(world, &mut hosted, &mut native, &keys).await?,
        small_job(world, &mut hosted, &mut native, &mut waits, &keys).await?,
    ];
    Ok(vec![rows, small])
}

async fn throughput(world: &World, hosted: &mut Hosted, native: &mut Native, keys: &Keys) -> Result<Figure> {
    let everything = query("{}")?;
    let expected = u64::from(keys.rows);
    let (mut above, mut below) = (vec![], vec![]);
    // The first of each fills caches.
    for round in 0..=world.plan.rounds {
        let start = Instant::now();
        let rows = natively(native, &everything).await?;
        let natively = rate(rows, start.elapsed());
        ensure!(rows == expected, "natively there are {rows} rows of {expected}");
        let start = Instant::now();
        let rows = in_the_host(hosted, &everything).await?;
        let in_the_host = rate(rows, start.elapsed());
        ensure!(rows == expected, "the module gave {rows} rows of {expected}");
        if round > 0 {
            below.push(natively);
            above.push(in_the_host);
        }
    }
    let ratios: Vec<f64> = above.iter().zip(&below).map(|(above, below)| above / below).collect();
    Ok(Figure::new("a module ÷ the same connector natively, rows/s (redis)", median(&ratios), "")
        .at_least(0.70)
        .note(format!("{} against {} rows/s", grouped(median(&above)), grouped(median(&below))))
        .hint("a profile of the bench under `--only modules`: the guest's own code, calls across the boundary, the check of every batch"))
}

/// The cheapest question there is, asked in both ways of waiting: the native connector of a runner would wait as the module's
/// host does, in the runtime, and not in the blocking reads that it has here.
struct Waits {
    blocking: Connection,
    awaiting: RedisClient,
}

impl Waits {
    fn blocking(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.blocking.send(&[Command::Size])?;
        self.blocking.reply()?;
        Ok(start.elapsed())
    }

    async fn awaiting(&mut self) -> Result<Duration> {
        let start = Instant::now();
        self.awaiting.ask(&[b"DBSIZE"]).await?;
        Ok(start.elapsed())
    }
}

async fn small_job(
    world: &World,
    hosted: &mut Hosted,
    native: &mut Native,
    waits: &mut Waits,
    keys: &Keys,
) -> Result<Figure> {
    let a_round = world.plan.single_jobs / world.plan.rounds as u64;
    let mut draw = Draw::new(keys.rows);
    let (mut above, mut below, mut awaiting, mut blocking) = (vec![], vec![], vec![], vec![]);
    for _ in 0..world.plan.rounds {
        for _ in 0..a_round {
            blocking.push(waits.blocking()?);
            awaiting.push(waits.awaiting().await?);
            let key = Keys::key(u32::try_from(draw.next())?);
            let query = query(&serde_json::json!({ "where": { "_key": key } }).to_string())?;
            let start = Instant::now();
            let rows = natively(native, &query).await?;
            below.push(start.elapsed());
            let start = Instant::now();
            let also = in_the_host(hosted, &query).await?;
            above.push(start.elapsed());
            ensure!((rows, also) == (1, 1), "a key has {rows} rows natively and {also} in the module");
        }
    }
    let [above, below, awaiting, blocking] = [above, below, awaiting, blocking].map(|times| micros(&times));
    let [hosted, native] =
        [(&above, &awaiting), (&below, &blocking)].map(|(job, wait)| median(job) - median(wait));
    Ok(Figure::new(
        "a module's small job, added to the native one's, p50 (redis)",
        hosted - native,
        "µs",
    )
    .at_most(15.0)
    .note(format!(
        "{:.0} against {:.0} µs, of which a bare question takes {:.0} µs on the runtime and {:.0} µs in blocking reads; \
         p99 {:.0} against {:.0} µs",
        median(&above),
        median(&below),
        median(&awaiting),
        median(&blocking),
        percentile(&above, 0.99),
        percentile(&below, 0.99)
    ))
    .hint("calls across the boundary, the stack that a guest runs on, requests and columns copied over it"))
}

fn query(options: &str) -> Result<Query> {
    match parse(Kind::Query, Some(Keys::TARGET), Some(options), "@semilayer/bridge-redis")? {
        // A total is a second call, and none is meant to be measured.
        Request::Query(query) => Ok(Query { include_total: false, ..query }),
        _ => anyhow::bail!("a query was read as something else"),
    }
}

async fn in_the_host(session: &mut Hosted, query: &Query) -> Result<u64> {
    let mut nowhere = Nowhere;
    let mut out = RowSink::new(&mut nowhere, SinkLimits::default());
    session.query(&CallContext::within(LIMIT), query, &mut out).await?;
    out.flush().await?;
    Ok(out.rows())
}

/// What the host does with a result, without a host: batches of the same size into the same sink.
async fn natively(session: &mut Native, query: &Query) -> Result<u64> {
    let mut nowhere = Nowhere;
    let limits = SinkLimits::default();
    let mut out = RowSink::new(&mut nowhere, limits);
    let call = Call { deadline: LIMIT, token: "bench".to_owned() };
    let mut result = session.query(&call, query)?;
    let columns = result.columns();
    let mut writer = RowWriter::new(&columns, limits.chunk_bytes);
    loop {
        let fill = result.fill(session, &mut writer)?;
        let is_last = matches!(fill, Fill::End(_));
        if is_last || writer.is_full() {
            let (rows, batch) = writer.take(limits.chunk_bytes);
            out.splice(rows, &batch).context("a native batch")?;
            out.flush_if_full().await?;
        }
        if is_last {
            out.flush().await?;
            return Ok(out.rows());
        }
    }
}
