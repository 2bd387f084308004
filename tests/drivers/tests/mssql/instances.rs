//! Named instances: the SQL Server Browser tells their port.

use connector_api::{CallContext, Connector, OpenContext};
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, ErrorCode};
use connector_mssql::SqlServer as Driver;
use dial::AddressFilter;
use driver_tests::{LIMIT, open_context, source};
use serde_json::json;
use test_servers::{APP_PASSWORD, APP_USER, SqlServerBrowser, SqlServerOptions};

use crate::{Server, query};

/// A Browser, and a server on its address.
async fn instance(name: &str) -> (SqlServerBrowser, Server) {
    let browser = SqlServerBrowser::start().await.unwrap();
    let options = SqlServerOptions { address: Some(browser.address()), ..SqlServerOptions::default() };
    let server = Server::with(options).await;
    browser.add(name, server.mssql.port());
    server.run("CREATE TABLE t (id int PRIMARY KEY)").await;
    server.run("INSERT INTO t VALUES (7)").await;
    (browser, server)
}

/// Opens what a managed configuration names, under these address rules.
async fn managed(host: &str, instance: &str, filter: AddressFilter) -> Result<(), Error> {
    let driver = Driver::new();
    let texts = [
        ("host", host),
        ("instanceName", instance),
        ("user", APP_USER),
        ("password", APP_PASSWORD),
        ("database", "app"),
        ("trustServerCertificate", "true"),
    ];
    let config = Config::from_texts(driver.manifest(), Origin::Managed, texts)?;
    let cx = OpenContext { filter, ..open_context().unwrap() };
    driver.source(config)?.open(&cx).await.map(drop)
}

#[tokio::test]
async fn an_instance_is_found_by_its_name_however_it_is_written() {
    let (browser, server) = instance("SQLEXPRESS").await;
    let (host, authority) = (browser.address().to_string(), server.authority());
    let (by_backslash, url) = (
        format!("{host}\\sqlexpress"),
        server.mssql.url().replace(&format!(":{}/", server.mssql.port()), "\\sqlexpress/"),
    );
    let login = [
        ("user", APP_USER),
        ("password", APP_PASSWORD),
        ("database", "app"),
        ("sslrootcert", authority.as_str()),
        ("hostNameInCertificate", "localhost"),
    ];
    let ways: [&[(&str, &str)]; 3] =
        [&[("server", &by_backslash)], &[("host", &host), ("instanceName", "SQLEXPRESS")], &[("url", &url)]];
    for way in ways {
        let settings = [way, &login].concat();
        let opened = source(&Driver::new(), &settings).unwrap().open(&open_context().unwrap()).await;
        let mut session = opened.unwrap_or_else(|error| panic!("{way:?}: {error}"));
        assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows, [json!({"id": 7})]);
    }
    assert_eq!(browser.asked(), ["sqlexpress", "SQLEXPRESS", "sqlexpress"]);
    // A port that the configuration names needs nobody to tell it.
    let port = server.mssql.port().to_string();
    let settings = [&[("server", by_backslash.as_str()), ("port", &port)], &login[..]].concat();
    source(&Driver::new(), &settings).unwrap().open(&open_context().unwrap()).await.unwrap();
    assert_eq!(browser.asked().len(), 3);
}

#[tokio::test]
async fn an_instance_that_the_browser_does_not_know_says_what_to_do() {
    let (browser, _server) = instance("SQLEXPRESS").await;
    let place = format!("{}\\OTHER", browser.address());
    let settings = [("server", place.as_str()), ("user", "sa"), ("connectionTimeoutMillis", "300")];
    let cx = OpenContext { call: CallContext::within(LIMIT), ..open_context().unwrap() };
    let error = source(&Driver::new(), &settings).unwrap().open(&cx).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.message().contains("OTHER"), "{error}");
    assert_eq!(browser.asked(), ["OTHER"]);
}

#[tokio::test]
async fn the_browser_and_what_it_names_pass_the_sources_address_rules() {
    let (browser, server) = instance("SQLEXPRESS").await;
    let host = browser.address().to_string();
    // Not one datagram goes to an address that the source may not reach.
    let error = managed(&host, "SQLEXPRESS", AddressFilter::guarded([])).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert!(browser.asked().is_empty());
    // Nor does its answer open a way to a port that is not allowed.
    let only_browser = || format!("{host}:1434").parse().unwrap();
    let error = managed(&host, "SQLEXPRESS", AddressFilter::guarded([only_browser()])).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert_eq!(browser.asked(), ["SQLEXPRESS"]);
    assert!(server.mssql.sessions().is_empty());
    let instance = format!("{host}:{}", server.mssql.port()).parse().unwrap();
    managed(&host, "SQLEXPRESS", AddressFilter::guarded([only_browser(), instance])).await.unwrap();
}
