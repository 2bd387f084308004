//! The schema of the configuration file against what reads the file: both accept, or both refuse.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use clap::Parser;
use runner_engine::{Bridges, Resolver, find_sources};
use semilayer_runner::arguments::Arguments;
use semilayer_runner::config::schema::schema;
use semilayer_runner::settings::{Layers, Logging, ModuleSettings, Serving, SourceSettings};
use semilayer_runner::{Variables, drivers};

/// Why the runner refuses a file.
fn refused(text: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("semilayer-runner.toml");
    std::fs::write(&path, text).unwrap();
    let flags = Arguments::parse_from(["semilayer-runner"]).flags;
    let read = || -> Result<(), String> {
        let layers = Layers::read(flags, Variables::default(), &[folder.path().to_owned()])
            .map_err(|error| error.to_string())?;
        Serving::read(&layers).map_err(|error| error.to_string())?;
        Logging::read(&layers).map_err(|error| error.to_string())?;
        ModuleSettings::read(&layers).map_err(|error| error.to_string())?;
        let settings = SourceSettings::read(&layers).map_err(|error| error.to_string())?;
        let resolver = Resolver {
            bridges: Bridges::new(drivers::served()).unwrap(),
            environment: settings.environment.clone(),
            managed: settings.managed.clone(),
        };
        for source in find_sources(&resolver, &settings.file, None).sources {
            source.resolved.map_err(|error| error.message().to_owned())?;
        }
        Ok(())
    };
    read().err()
}

fn instance(text: &str) -> serde_json::Value {
    let table: toml::Table = text.parse().unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn what_the_runner_accepts_the_schema_accepts() {
    let schema = jsonschema::draft202012::new(&schema()).unwrap();
    for text in [
        "",
        "[runner]\nid = \"edge\"\ntoken = \"rk_x\"\ngateway = \"wss://g/connect\"\nmax_jobs = 8\ndrain_seconds = 0",
        "[runner]\nmax_jobs = \"8\"\nlog_format = \"json\"\nlog = \"info,runner_link=debug\"",
        "[runner]\nid = \"\"\nlog_format = \"\"\nmax_jobs = \"\"",
        "[managed]\nenabled = false\nallow_hosts = [\"*.corp.example\", \"10.0.0.0/8\"]\nallow_files = []",
        "[sources.shop]\nurl = \"postgres://u:p@h/d\"",
        "[sources.shop]\ndriver = \"postgres\"\nhost = \"h\"\nport = 5433\ndatabase = \"d\"\npassword = 123\nssl = true",
        "[sources.shop]\ndriver = \"@semilayer/bridge-postgres\"\nurl = \"postgres://h/d\"\nport = \"5433\"\nssl = \"1\"",
        "[sources.shop]\ndriver = \"postgresql\"\nconnectionString = \"postgres://h/d\"\npool = { max = 3, min = 0 }",
        "[sources.shop]\ndriver = \"mysql\"\nhost = \"h\"\nuser = \"u\"\n\"pool.max\" = 3",
        "[sources.shop]\ndriver = \"mssql\"\nserver = \"h\"\nuser = \"u\"\nencrypt = false",
        "[sources.shop]\ndriver = \"sqlite\"\npath = \"/data/shop.db\"\nbinary = \"\"",
        "[sources.\"my.shop\"]\npath = \"/data/shop.db\"",
        "[connectors.redis]\nmemory = \"64 MiB\"\nrunning_ms_per_call = 2000\nmax_sessions = 4\nallow_hosts = [\"c:6379\"]",
        "[connectors.redis]\nsha256 = \"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"",
        "[connectors.redis]\nsignature = \"minisign:RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"",
    ] {
        assert_eq!(refused(text), None, "{text}");
        let found: Vec<String> = schema.iter_errors(&instance(text)).map(|error| error.to_string()).collect();
        assert!(found.is_empty(), "{text}\n{found:#?}");
    }
}

#[test]
fn what_the_schema_refuses_the_runner_refuses() {
    let schema = jsonschema::draft202012::new(&schema()).unwrap();
    for text in [
        "[runer]\nid = \"a\"",
        "[runner]\ngatway = \"wss://g\"",
        "[runner]\nmax_jobs = 0",
        "[runner]\nmax_jobs = \"many\"",
        "[runner]\ndrain_seconds = -1",
        "[runner]\nlog_format = \"xml\"",
        "[runner]\nid = [\"a\"]",
        "[managed]\nenabled = \"yes\"",
        "[managed]\nallow_host = []",
        "[managed]\nallow_hosts = \"a\"",
        "[managed]\nallow_hosts = [1]",
        "[sources]\nshop = \"postgres://h/d\"",
        "[sources.shop]\ndriver = \"postgres\"\nurl = \"postgres://h/d\"\nsslmod = \"require\"",
        "[sources.shop]\ndriver = \"postgres\"\nurl = \"postgres://h/d\"\npool = { maximum = 3 }",
        "[sources.shop]\ndriver = \"postgres\"\nurl = \"postgres://h/d\"\nport = \"54x\"",
        "[sources.shop]\ndriver = \"mysql\"\nurl = \"mysql://h/d\"\nssl = \"maybe\"",
        "[sources.shop]\ndriver = \"sqlite\"\npath = \"/a.db\"\nhost = \"h\"",
        "[connectors]\nredis = 1",
        "[connectors.redis]\nsha265 = \"x\"",
        "[connectors.redis]\nsha256 = \"abc\"",
        "[connectors.redis]\nsignature = \"abc\"",
        "[connectors.redis]\nmemory = 128",
        "[connectors.redis]\nmemory = \"lots\"",
        "[connectors.redis]\nmax_sessions = 0",
        "[connectors.redis]\nmax_sessions = \"4\"",
        "[connectors.redis]\nrunning_ms_per_call = 1",
        "[connectors.redis]\nallow_hosts = \"x\"",
        "[connectors.redis]\nfile = \"\"",
    ] {
        assert!(refused(text).is_some(), "the runner accepts\n{text}");
        assert!(!schema.is_valid(&instance(text)), "the schema accepts\n{text}");
    }
}

#[test]
fn the_schema_is_one() {
    assert!(jsonschema::meta::is_valid(&schema()));
}
