//! The conformance suite through the SQL Server driver: against the double always, and against a real server where
//! `TEST_MSSQL_URL` names one (SQL Server, Azure SQL Edge, Babelfish).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{MSSQL_TYPES, mssql, mssql_fitted, mssql_rows, mssql_without};
use connector_conformance::{Change, RunOptions, StoredType, Subject, SubjectError, conformance_tests};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_mssql::SqlServer as Driver;
use driver_tests::{open_context, source};
use test_servers::{SqlServer, SqlServerOptions};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

/// Whoever may write to the server.
enum Admin {
    /// The double takes tables past the network.
    Double(SqlServer),
    /// A connection to a real server, in a database of its own.
    Real(Box<Mutex<Client>>),
}

impl Admin {
    async fn run(&self, statement: &str) -> Result<(), SubjectError> {
        match self {
            Admin::Double(server) => {
                server.execute(statement).await.map_err(|error| format!("{error:#}: {statement}"))?;
            }
            Admin::Real(client) => {
                let mut client = client.lock().await;
                let result = client.simple_query(statement).await?.into_results().await;
                result.map_err(|error| format!("{error}: {statement}"))?;
            }
        }
        Ok(())
    }
}

/// A server, and the settings that lead to it.
struct Server {
    admin: Admin,
    settings: Vec<(&'static str, String)>,
    driver: Driver,
}

impl Server {
    async fn double() -> Server {
        let server = SqlServer::start(SqlServerOptions::default()).await.unwrap();
        let authority = server.authority_file().to_string_lossy().into_owned();
        let settings = vec![("url", server.url()), ("sslrootcert", authority)];
        Server { admin: Admin::Double(server), settings, driver: Driver::new() }
    }

    /// The server that is named, in a database of that name, made anew; its texts compare by code unit, as the
    /// oracle's do.
    async fn at(named: &Named, database: &str) -> Server {
        let mut client = named.client().await;
        for batch in [
            dropping(database),
            format!("CREATE DATABASE [{database}] COLLATE Latin1_General_100_BIN2"),
            format!("ALTER DATABASE [{database}] SET ALLOW_SNAPSHOT_ISOLATION ON"),
            format!("USE [{database}]"),
        ] {
            client.simple_query(batch).await.unwrap().into_results().await.unwrap();
        }
        // The driver reads the URL itself, and all that it says of encryption.
        let settings = vec![("url", named.url.clone()), ("database", database.to_owned())];
        Server { admin: Admin::Real(Box::new(Mutex::new(client))), settings, driver: Driver::new() }
    }
}

type Client = tiberius::Client<Compat<TcpStream>>;

/// `mssql://user:password@host:port/?trustServerCertificate=true`, percent-encoded where it has to be; the login has to
/// be allowed to make databases.
struct Named {
    url: String,
    user: String,
    password: String,
    host: String,
    port: u16,
    parameters: Vec<(String, String)>,
}

impl Named {
    fn parse(url: &str) -> Named {
        let (before, query) = url.split_once('?').unwrap_or((url, ""));
        let (_, rest) = before.split_once("://").expect("TEST_MSSQL_URL begins with mssql://");
        let (login, place) = rest.rsplit_once('@').expect("TEST_MSSQL_URL names a login");
        let (user, password) = login.split_once(':').expect("TEST_MSSQL_URL has a password");
        let place = place.split('/').next().unwrap();
        let (host, port) = place.rsplit_once(':').unwrap_or((place, "1433"));
        let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        Named {
            url: url.to_owned(),
            user: decoded(user),
            password: decoded(password),
            host: decoded(host.trim_matches(['[', ']'])),
            port: port.parse().expect("TEST_MSSQL_URL's port is a number"),
            parameters: parameters.map(|(name, value)| (decoded(name), decoded(value))).collect(),
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// A client that writes. It trusts whom the driver is told to trust.
    async fn client(&self) -> Client {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut config = tiberius::Config::new();
        config.host(&self.host);
        config.port(self.port);
        config.authentication(tiberius::AuthMethod::sql_server(&self.user, &self.password));
        if self.parameter("encrypt").is_some_and(|encrypt| encrypt.eq_ignore_ascii_case("false")) {
            config.encryption(tiberius::EncryptionLevel::Off);
        }
        if self.parameter("trustServerCertificate").is_some_and(|trust| trust.eq_ignore_ascii_case("true")) {
            config.trust_cert();
        } else if let Some(authority) = self.parameter("sslrootcert") {
            config.trust_cert_ca(authority);
        }
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await.unwrap();
        tiberius::Client::connect(config, socket.compat_write()).await.unwrap()
    }
}

/// Percent-decoding (RFC 3986, section 2.1).
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            None => bytes.extend([b"%", part.as_bytes()].concat()),
        }
    }
    String::from_utf8(bytes).expect("what is percent-encoded is UTF-8")
}

fn dropping(database: &str) -> String {
    format!(
        "IF DB_ID('{database}') IS NOT NULL BEGIN \
         ALTER DATABASE [{database}] SET SINGLE_USER WITH ROLLBACK IMMEDIATE; DROP DATABASE [{database}] END"
    )
}

#[async_trait]
impl Subject for Server {
    fn name(&self) -> &str {
        &self.driver.manifest().package_name
    }

    fn profile(&self) -> Profile {
        Profile::SQL_SERVER
    }

    fn capabilities(&self) -> Capabilities {
        self.driver.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        MSSQL_TYPES
    }

    fn fitted(&self, table: Table) -> Table {
        mssql_fitted(table)
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        for statement in tables.iter().flat_map(mssql) {
            self.admin.run(&statement).await?;
        }
        Ok(())
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let gone = change.gone.iter().map(|row| mssql_without(table, row));
        for statement in gone.chain(mssql_rows(table, &change.come)) {
            self.admin.run(&statement).await?;
        }
        Ok(true)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let settings: Vec<(&str, &str)> =
            self.settings.iter().map(|(key, value)| (*key, value.as_str())).collect();
        Ok(source(&self.driver, &settings)?.open(&open_context()?).await?)
    }
}

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(mssql_double, Server::double().await, OPTIONS);

#[test]
fn a_named_server_is_read_as_the_driver_reads_it() {
    let named = Named::parse("mssql://s%40a:p%3A%2F%25w@db.example:1444/master?TrustServerCertificate=True");
    assert_eq!((named.user.as_str(), named.password.as_str()), ("s@a", "p:/%w"));
    assert_eq!((named.host.as_str(), named.port), ("db.example", 1_444));
    assert_eq!(named.parameter("trustServerCertificate"), Some("True"));
    assert_eq!(Named::parse("mssql://sa:x@[::1]:7/").host, "::1");
}

/// The whole suite once more where somebody names a server: until then, nothing here is proven against Microsoft's.
#[test]
fn a_server_that_is_named_passes_too() {
    let Some(url) = std::env::var_os("TEST_MSSQL_URL") else {
        #[allow(clippy::print_stderr, reason = "whoever looks at this test has to see that it did nothing")]
        {
            eprintln!("NOTHING WAS RUN: TEST_MSSQL_URL names no SQL Server, so none was asked");
        }
        return;
    };
    let named = Named::parse(&url.into_string().expect("TEST_MSSQL_URL is text"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let database = format!("semilayer_suite_{}_{}", std::process::id(), now.as_millis());
    let reports: Vec<_> = connector_conformance::run::Part::ALL
        .into_iter()
        .map(|part| {
            connector_conformance::stamp::part(async { Server::at(&named, &database).await }, part, OPTIONS)
        })
        .collect();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut client = named.client().await;
        client.simple_query(dropping(&database)).await.unwrap().into_results().await.unwrap();
    });
    for report in reports {
        assert!(report.passed(), "{report}");
    }
}
