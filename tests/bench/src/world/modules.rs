//! Connector modules: built, mounted, and a Redis server for one of them.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use test_servers::{Redis, RedisClient, RedisOptions, RedisReply, component};

use crate::plan::Plan;

/// The components that ship, each by its package's name.
pub(crate) const SHIPPED: [&str; 5] = ["redis", "clickhouse", "turso", "upstash", "inventory"];
/// Rows that are written in one go.
const BATCH: u32 = 10_000;
/// A sweep over keys looks at each of them many times more often than a table's row: so many fewer rows.
const FEWER: u32 = 10;

/// The shipped components in a folder as an operator mounts them, with a place for their machine code.
pub(crate) struct Mounted {
    folder: TempDir,
}

impl Mounted {
    /// Builds and mounts them.
    ///
    /// # Errors
    /// When one does not build.
    pub(crate) fn shipped() -> Result<Mounted> {
        let folder = TempDir::new()?;
        let mounted = Mounted { folder };
        std::fs::create_dir(mounted.modules())?;
        std::fs::DirBuilder::new().mode(0o700).create(mounted.cache())?;
        for name in SHIPPED {
            let file = component(name)?;
            std::fs::copy(&file, mounted.modules().join(format!("{name}.wasm"))).context("mounting")?;
        }
        Ok(mounted)
    }

    /// What a runner that serves them is told.
    pub(crate) fn variables(&self) -> [(&'static str, PathBuf); 2] {
        [("SEMILAYER_CONNECTORS_DIR", self.modules()), ("SEMILAYER_CACHE_DIR", self.cache())]
    }

    fn modules(&self) -> PathBuf {
        self.folder.path().join("connectors")
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }
}

/// A Redis server with the reference rows as JSON at keys.
pub(crate) struct Keys {
    server: Redis,
    /// How many rows there are.
    pub(crate) rows: u32,
}

impl Keys {
    /// What the keys begin with, and so the target's name.
    pub(crate) const TARGET: &str = "reference";

    /// Starts and fills it.
    ///
    /// # Errors
    /// When it does not start, or does not take a row.
    pub(crate) async fn start(plan: Plan) -> Result<Keys> {
        let keys =
            Keys { server: Redis::start(RedisOptions::default()).await?, rows: (plan.rows / FEWER).max(1) };
        let mut writer = keys.server.admin().await?;
        let numbers: Vec<u32> = (1..=keys.rows).collect();
        for batch in numbers.chunks(BATCH as usize) {
            let commands: Vec<Vec<Vec<u8>>> = batch
                .iter()
                .map(|n| vec![b"SET".to_vec(), Keys::key(*n).into_bytes(), document(*n).into_bytes()])
                .collect();
            for reply in writer.ask_all(&commands).await? {
                ensure!(reply == RedisReply::Text(b"OK".to_vec()), "SET is answered with {reply:?}");
            }
        }
        Ok(keys)
    }

    /// The key of a row.
    pub(crate) fn key(row: u32) -> String {
        format!("{}:{row:08}", Keys::TARGET)
    }

    /// A raw connection of somebody who may do anything.
    ///
    /// # Errors
    /// When the server does not let us in.
    pub(crate) async fn admin(&self) -> Result<RedisClient> {
        self.server.admin().await
    }

    /// The server's URL for a source.
    pub(crate) fn url(&self) -> String {
        self.server.url()
    }
}

/// The reference row of this number: the same eight columns as everywhere.
fn document(n: u32) -> String {
    let wide = u64::from(n);
    format!(
        r#"{{"id":{n},"big":{},"name":"reference {n:08}","ratio":{},"price":"{}.{:02}","at":"2024-01-01T{:02}:{:02}:{:02}.000Z","ok":{},"key":"{n:08x}-0000-4000-8000-{:012x}"}}"#,
        wide * 10_000_019,
        f64::from(n) / 7.0,
        n % 1_000_000 / 100,
        n % 100,
        n / 3_600 % 24,
        n / 60 % 60,
        n % 60,
        n.is_multiple_of(2),
        wide * 7_919,
    )
}
