//! The driver alone, in this process: its chunks are dropped where the socket would begin.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use async_trait::async_trait;
use connector_api::{CallContext, Chunks, Connector, OpenContext, PathRules, RowSink, Session, SinkLimits};
use connector_model::config::{Config, Origin};
use connector_model::json::Envelope;
use connector_model::request::{Kind, Query, Request, parse};
use connector_postgres::Postgres;
use dial::{AddressFilter, Dialer, Roots};

use crate::figure::Figure;
use crate::floor::{Statements, drain};
use crate::statistics::{grouped, median, rate};
use crate::world::{REFERENCE, Route, Source, World};

/// Longer than any drain.
const LIMIT: Duration = Duration::from_secs(60);

/// Drops chunks.
pub(super) struct Nowhere;

#[async_trait]
impl Chunks for Nowhere {
    fn envelope(&self) -> Envelope {
        Envelope {
            prefix: runner_protocol::chunk_prefix("1").to_vec(),
            suffix: runner_protocol::CHUNK_SUFFIX.to_vec(),
        }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> connector_model::Result<()> {
        drop(chunk);
        Ok(())
    }
}

pub(super) async fn measure(world: &World, statements: &Statements) -> Result<Vec<Figure>> {
    let expected = u64::from(world.plan.rows);
    let client = world.client(Route::Direct).await?;
    let statement = client.prepare(&statements.everything).await?;
    let mut session = open(world).await?;
    let Request::Query(query) =
        parse(Kind::Query, Some(REFERENCE), Some("{}"), Source::from(Route::Direct).bridge())?
    else {
        bail!("a query was read as something else")
    };
    drain::rows(&client, &statement).await?;
    drained(session.as_mut(), &query).await?;
    let (mut raw, mut driven) = (vec![], vec![]);
    for _ in 0..world.plan.rounds {
        raw.push(drain::rows(&client, &statement).await?.rate());
        let start = Instant::now();
        let rows = drained(session.as_mut(), &query).await?;
        ensure!(rows == expected, "the driver gave {rows} rows of {expected}");
        driven.push(rate(rows, start.elapsed()));
    }
    let ratios: Vec<f64> = driven.iter().zip(&raw).map(|(driven, raw)| driven / raw).collect();
    Ok(vec![Figure::new("driver alone, rows/s as JSON ÷ raw driver drain", median(&ratios), "").note(
        format!(
            "{} against {} rows/s; what is lost between this and R_drv is the engine's and the socket's",
            grouped(median(&driven)),
            grouped(median(&raw)),
        ),
    )])
}

async fn drained(session: &mut dyn Session, query: &Query) -> Result<u64> {
    let mut nowhere = Nowhere;
    let mut out = RowSink::new(&mut nowhere, SinkLimits::default());
    session.query(&CallContext::within(LIMIT), query, &mut out).await?;
    out.flush().await?;
    Ok(out.rows())
}

async fn open(world: &World) -> Result<Box<dyn Session>> {
    let driver = Postgres::new();
    let url = world.url(Route::Direct);
    let config = Config::from_texts(driver.manifest(), Origin::Local, [("url", url.as_str())])?;
    let context = OpenContext {
        dialer: Dialer::new(Roots::load(&[]).context("reading the machine's roots")?),
        filter: AddressFilter::unrestricted(),
        paths: PathRules::Unrestricted,
        application: Arc::from("bench"),
        call: CallContext::within(LIMIT),
        observer: None,
    };
    Ok(driver.source(config)?.open(&context).await?)
}
