//! The reference table in other engines.

use anyhow::{Context, Result};
use mysql_async::prelude::Queryable;
use tempfile::TempDir;
use test_servers::MariaDb;

use super::{REFERENCE, Source};
use crate::plan::Plan;

/// The other databases, filled. They end when dropped.
pub(crate) struct Others {
    mariadb: MariaDb,
    folder: TempDir,
}

impl Others {
    /// Starts and fills them.
    ///
    /// # Errors
    /// Whatever of it does not work.
    pub(crate) async fn start(plan: Plan) -> Result<Others> {
        let others = Others { mariadb: MariaDb::start(Default::default()).await?, folder: TempDir::new()? };
        others.fill_mariadb(plan).await?;
        others.fill_sqlite(plan)?;
        Ok(others)
    }

    /// Each source with the URL that a runner is given.
    pub(crate) fn sources(&self) -> [(Source, String); 2] {
        [
            (Source::MariaDb, self.mariadb.url_with(&[("sslmode", "disable")])),
            (Source::Sqlite, self.file().to_string_lossy().into_owned()),
        ]
    }

    /// The SQLite file.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("reference.db")
    }

    /// A raw connection to MariaDB, without TLS as the runner's is.
    ///
    /// # Errors
    /// When the server does not let us in.
    pub(crate) async fn mariadb(&self) -> Result<mysql_async::Conn> {
        let options = mysql_async::Opts::from_url(&self.mariadb.url())?;
        mysql_async::Conn::new(options).await.context("a raw connection to MariaDB")
    }

    async fn fill_mariadb(&self, plan: Plan) -> Result<()> {
        let mut writer = self.mariadb.admin().await?;
        writer
            .query_drop(format!(
                "CREATE TABLE {REFERENCE} (
                     id int PRIMARY KEY,
                     big bigint NOT NULL,
                     name varchar(40) NOT NULL,
                     ratio double NOT NULL,
                     price decimal(12, 2) NOT NULL,
                     at datetime(6) NOT NULL,
                     ok boolean NOT NULL,
                     `key` uuid NOT NULL
                 )"
            ))
            .await?;
        writer
            .query_drop(format!(
                "INSERT INTO {REFERENCE}
                     SELECT seq, seq * 10000019, concat('reference ', lpad(seq, 8, '0')), seq / 7e0,
                            seq % 1000000 / 100.0, '2024-01-01' + INTERVAL seq * 1000123 MICROSECOND,
                            seq % 2 = 0,
                            concat(lpad(hex(seq), 8, '0'), '-0000-4000-8000-', lpad(hex(seq * 7919), 12, '0'))
                     FROM seq_1_to_{}",
                plan.rows
            ))
            .await?;
        writer.query_drop(format!("ANALYZE TABLE {REFERENCE}")).await?;
        Ok(writer.disconnect().await?)
    }

    fn fill_sqlite(&self, plan: Plan) -> Result<()> {
        let writer = rusqlite::Connection::open(self.file())?;
        writer.execute_batch(&format!(
            "CREATE TABLE {REFERENCE} (
                 id integer PRIMARY KEY,
                 big bigint NOT NULL,
                 name text NOT NULL,
                 ratio double NOT NULL,
                 price text NOT NULL,
                 at datetime NOT NULL,
                 ok boolean NOT NULL,
                 key text NOT NULL
             );
             WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows})
             INSERT INTO {REFERENCE}
                 SELECT n, n * 10000019, printf('reference %08d', n), n / 7.0, printf('%.2f', n % 1000000 / 100.0),
                        strftime('%Y-%m-%dT%H:%M:%fZ', 1704067200 + n, 'unixepoch'), n % 2 = 0,
                        printf('%08x-0000-4000-8000-%012x', n, n * 7919)
                 FROM n;
             ANALYZE;",
            rows = plan.rows,
        ))?;
        Ok(())
    }
}
