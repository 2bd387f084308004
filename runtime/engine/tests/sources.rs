//! From names and variables to configurations: the rule, table by table.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake;

use std::sync::Arc;

use connector_api::{Connector, PathRules};
use connector_model::error::ErrorCode;
use dial::Destination;
use fake::{Fake, Server, environment, local, managed};
use runner_engine::{
    Assignment, Bridges, Environment, FileSource, FileSources, ManagedRules, ResolvedSource, Resolver,
    Served, SourceWarning, find_sources,
};
use secrecy::SecretString;

fn connector(name: &'static str) -> Served {
    Served::from(Arc::new(Fake::new(name, Arc::new(Server::default()))) as Arc<dyn Connector>)
}

fn resolver(environment: Arc<Environment>) -> Resolver {
    let relative = Served { aliases: vec!["kin".to_owned()], ..connector("@semilayer/bridge-relative") };
    let bridges = Bridges::new([connector("@semilayer/bridge-fake"), relative]).unwrap();
    Resolver { bridges, environment, managed: ManagedRules::default() }
}

fn file(name: &str, driver: Option<&str>, entries: &[(&str, &str)]) -> FileSources {
    let entries = entries.iter().map(|(key, text)| ((*key).to_owned(), SecretString::from(*text))).collect();
    FileSources::from([(name.to_owned(), FileSource { driver: driver.map(str::to_owned), entries })])
}

fn resolve(
    variables: &[(&str, &str)],
    source: &Assignment,
    others: &[&str],
) -> connector_model::Result<ResolvedSource> {
    let known: Vec<String> = others.iter().map(|name| (*name).to_owned()).collect();
    resolver(environment(variables)).resolve(source, &FileSources::new(), &known)
}

#[test]
fn values_are_typed_by_the_manifest_and_keys_have_many_spellings() {
    let resolved = resolve(
        &[
            ("SEMILAYER_SOURCE_PRIMARY_DB_CONNECTION_STRING", "fake://db"),
            ("SEMILAYER_SOURCE_PRIMARY_DB_PASS", "00123"),
            ("SEMILAYER_SOURCE_PRIMARY_DB_PORT", "5433"),
            ("SEMILAYER_SOURCE_PRIMARY_DB_ACCESS_KEY_ID", "AK"),
            ("SEMILAYER_SOURCE_PRIMARY_DB_POOL__MAX", "3"),
            ("SEMILAYER_SOURCE_PRIMARY_DB_POOL__IDLE_TIMEOUT_MILLIS", "0"),
            ("SEMILAYER_SOURCE_PRIMARY_DB_HOST", ""),
            ("SEMILAYER_SOURCE_PRIMARY_DB_DRIVER", "fake"),
        ],
        &local("primary-db"),
        &[],
    )
    .unwrap();
    assert_eq!(resolved.config.text("url"), Some("fake://db"));
    assert_eq!(resolved.config.text("password"), Some("00123"), "a password of digits stays the exact text");
    assert_eq!(resolved.config.number("port", 0..=65_535).unwrap(), Some(5_433));
    assert_eq!(resolved.config.text("accessKeyId"), Some("AK"));
    assert_eq!(resolved.config.text("host"), None, "empty is unset");
    assert_eq!((resolved.pool.max, resolved.pool.idle), (3, None));
    assert_eq!(resolved.variables.len(), 6);
    assert!(resolved.warnings.is_empty());
    assert!(!format!("{resolved:?}").contains("00123"));
}

#[test]
fn a_variable_belongs_to_the_longest_known_name() {
    let variables = [
        ("SEMILAYER_SOURCE_PRIMARY_URL", "fake://short"),
        ("SEMILAYER_SOURCE_PRIMARY_DB_URL", "fake://long"),
    ];
    let both = ["PRIMARY", "PRIMARY_DB"];
    let short = resolve(&variables, &local("primary"), &both).unwrap();
    let long = resolve(&variables, &local("primary-db"), &both).unwrap();
    assert_eq!(
        (short.config.text("url"), long.config.text("url")),
        (Some("fake://short"), Some("fake://long"))
    );
    assert!(short.warnings.is_empty());
    let alone = resolve(&variables, &local("primary"), &["PRIMARY"]).unwrap();
    assert_eq!(alone.config.text("url"), Some("fake://short"));
    assert!(matches!(&alone.warnings[..], [SourceWarning::UnknownKey { variable, .. }]
        if variable == "SEMILAYER_SOURCE_PRIMARY_DB_URL"));
}

#[test]
fn errors_name_the_variable_and_never_the_value() {
    let error =
        |variables: &[(&str, &str)]| resolve(variables, &local("primary-db"), &["PRIMARY_DB"]).unwrap_err();
    let missing = error(&[("SEMILAYER_SOURCE_PRIMARYDB_URL", "x"), ("SEMILAYER_SOURCE_ZEBRA_HOST", "x")]);
    assert_eq!(missing.code(), ErrorCode::SourceNotConfigured);
    assert!(missing.message().contains("set SEMILAYER_SOURCE_PRIMARY_DB_URL"), "{missing}");
    assert!(missing.message().contains("SEMILAYER_SOURCE_PRIMARYDB_URL"), "{missing}");
    assert!(!missing.message().contains("ZEBRA"), "{missing}");
    assert_eq!(missing.detail()["variable"], "SEMILAYER_SOURCE_PRIMARY_DB_URL");
    assert!(error(&[("SEMILAYER_PRIMARY_DB_URL", "x")]).message().contains("SEMILAYER_PRIMARY_DB_URL"));

    let typed = error(&[("SEMILAYER_SOURCE_PRIMARY_DB_PORT", "hunter2")]);
    assert!(typed.message().contains("SEMILAYER_SOURCE_PRIMARY_DB_PORT"), "{typed}");
    assert!(!typed.message().contains("hunter2"));

    let twice = error(&[
        ("SEMILAYER_SOURCE_PRIMARY_DB_URL", "a"),
        ("SEMILAYER_SOURCE_PRIMARY_DB_CONNECTION_STRING", "b"),
    ]);
    assert!(twice.message().contains("CONNECTION_STRING") && twice.message().contains("DB_URL"), "{twice}");

    let pool = error(&[
        ("SEMILAYER_SOURCE_PRIMARY_DB_POOL__MAX", "2"),
        ("SEMILAYER_SOURCE_PRIMARY_DB_POOL__MIN", "3"),
    ]);
    assert!(pool.message().contains("SEMILAYER_SOURCE_PRIMARY_DB_POOL__MIN"), "{pool}");
}

#[test]
fn a_secret_can_be_in_a_file_that_a_variable_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "p@:/%\n").unwrap();
    let variables = [
        ("SEMILAYER_SOURCE_A_URL", "fake://db"),
        ("SEMILAYER_SOURCE_A_PASSWORD_FILE", path.to_str().unwrap()),
    ];
    let resolved = resolve(&variables, &local("a"), &[]).unwrap();
    assert_eq!(resolved.config.text("password"), Some("p@:/%"));
    std::fs::remove_file(&path).unwrap();
    let error = resolve(&variables, &local("a"), &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceNotConfigured);
    assert!(error.message().contains("SEMILAYER_SOURCE_A_PASSWORD_FILE"), "{error}");
    assert!(error.message().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn the_environment_goes_before_the_file_whatever_the_key_is_called() {
    let resolver = resolver(environment(&[("SEMILAYER_SOURCE_A_URL", "fake://variable")]));
    let file = file("a", None, &[("connectionString", "fake://file"), ("port", "7")]);
    let resolved = resolver.resolve(&local("a"), &file, &[]).unwrap();
    assert_eq!(resolved.config.text("url"), Some("fake://variable"));
    assert_eq!(resolved.config.number("port", 0..=9).unwrap(), Some(7));
    assert_eq!(resolved.variables, ["SEMILAYER_SOURCE_A_URL"]);
    let unknown = self::file("a", None, &[("prot", "7")]);
    let error = resolver.resolve(&local("a"), &unknown, &[]).unwrap_err();
    assert!(error.message().contains("[sources.a] prot") && error.message().contains("\"port\""), "{error}");
}

#[test]
fn the_gateway_cannot_choose_another_driver_than_the_operator_named() {
    let named = |assignment: &Assignment, variable: &str, file: FileSources| {
        let variables = [("SEMILAYER_SOURCE_A_URL", "fake://db"), ("SEMILAYER_SOURCE_A_DRIVER", variable)];
        resolver(environment(&variables)).resolve(assignment, &file, &[])
    };
    assert!(named(&local("a"), "fake", FileSources::new()).is_ok());
    assert!(named(&local("a"), "@semilayer/bridge-fake", FileSources::new()).is_ok());
    for assignment in [local("a"), managed("a", "{\"url\":\"fake://x\"}")] {
        let error = named(&assignment, "kin", FileSources::new()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::PolicyDenied);
        assert!(error.message().contains("SEMILAYER_SOURCE_A_DRIVER"), "{error}");
    }
    let error = named(&local("a"), "", file("a", Some("relative"), &[])).unwrap_err();
    assert!(error.message().contains("[sources.a] driver"), "{error}");
}

#[test]
fn bridges_are_known_by_full_name_short_name_and_alias() {
    let bridges = resolver(environment(&[])).bridges;
    for name in ["@semilayer/bridge-relative", "relative", "kin", "@semilayer/bridge-kin"] {
        assert_eq!(bridges.find(name).unwrap().manifest().package_name, "@semilayer/bridge-relative");
    }
    let unknown = |name: &str| bridges.find(name).err().unwrap();
    assert!(unknown("oracle").message().contains("not served by this runner yet"));
    assert!(
        unknown("@semilayer/bridge-oracle")
            .message()
            .contains("@semilayer/bridge-fake, @semilayer/bridge-rel")
    );
    let error = unknown("relativ");
    assert_eq!(error.code(), ErrorCode::UnknownBridge);
    assert!(
        !error.message().contains("yet") && error.message().contains("did you mean \"relative\""),
        "{error}"
    );
    let twice = [connector("@semilayer/bridge-x"), Served { aliases: vec!["x".into()], ..connector("y") }];
    assert_eq!(Bridges::new(twice).unwrap_err().name, "x");
}

#[test]
fn somebody_elses_bridge_may_be_called_as_one_says_it_while_that_means_one() {
    let bridges = |names: &[&'static str]| Bridges::new(names.iter().map(|name| connector(name))).unwrap();
    let one = bridges(&["@semilayer/bridge-fake", "@acme/bridge-inventory"]);
    for name in ["inventory", "@acme/bridge-inventory"] {
        assert_eq!(one.find(name).unwrap().manifest().package_name, "@acme/bridge-inventory");
    }
    assert!(one.find("@other/bridge-inventory").is_err());
    let two = bridges(&["@acme/bridge-inventory", "@other/bridge-inventory"]);
    let error = two.find("inventory").err().unwrap();
    assert!(
        error.message().contains("may mean @acme/bridge-inventory and @other/bridge-inventory"),
        "{error}"
    );
    let own = bridges(&["@acme/bridge-fake", "@semilayer/bridge-fake"]);
    assert_eq!(own.find("fake").unwrap().manifest().package_name, "@semilayer/bridge-fake");
}

#[test]
fn a_managed_configuration_is_guarded() {
    let mut resolver = resolver(environment(&[]));
    let config = r#"{"url":"fake://db","port":"5","pool":{"max":2}}"#;
    let resolve =
        |resolver: &Resolver, config: &str| resolver.resolve(&managed("a", config), &FileSources::new(), &[]);
    let loopback = Destination::new("db.example", 5432);
    let address = "127.0.0.1".parse().unwrap();

    let guarded = resolve(&resolver, config).unwrap();
    assert!(guarded.filter.check_address(&loopback, address).is_err());
    assert!(guarded.paths.check("/etc/passwd".as_ref()).is_err());
    assert_eq!(guarded.pool.max, 2);

    resolver.managed.allow_hosts = vec!["127.0.0.1".parse().unwrap()];
    resolver.managed.allow_files = PathRules::only(["/nowhere/*.db"]).unwrap();
    let allowed = resolve(&resolver, config).unwrap();
    assert!(allowed.filter.check_address(&loopback, address).is_ok());
    assert!(allowed.paths.check("/nowhere/a.db".as_ref()).is_ok());

    for (bad, code) in [
        ("null", ErrorCode::SourceNotConfigured),
        ("{\"url\": \"hunter2", ErrorCode::SourceNotConfigured),
        (r#"{"port":"hunter2"}"#, ErrorCode::SourceNotConfigured),
        (r#"{"url":["hunter2"]}"#, ErrorCode::SourceNotConfigured),
    ] {
        let error = resolve(&resolver, bad).unwrap_err();
        assert_eq!(error.code(), code);
        assert!(!format!("{error} {:?}", error.detail()).contains("hunter2"), "{error}");
    }

    resolver.managed.enabled = false;
    let error = resolve(&resolver, config).unwrap_err();
    assert_eq!(
        (error.code(), error.detail()["rule"].as_str()),
        (ErrorCode::PolicyDenied, Some("managed.enabled"))
    );
}

#[test]
fn a_local_configuration_is_not_guarded() {
    let resolved = resolve(&[("SEMILAYER_SOURCE_A_URL", "fake://x")], &local("a"), &[]).unwrap();
    let destination = Destination::new("localhost", 5432);
    assert!(resolved.filter.check_address(&destination, "127.0.0.1".parse().unwrap()).is_ok());
    assert!(resolved.paths.check("/etc/hostname".as_ref()).is_ok());
}

#[test]
fn sources_are_found_without_assignments() {
    let resolver = resolver(environment(&[
        ("SEMILAYER_SOURCE_PRIMARY_DB_URL", "fake://db"),
        ("SEMILAYER_SOURCE_PRIMARY_DB_POOL__MAX", "4"),
        ("SEMILAYER_SOURCE_STORE_HOST", "h"),
        ("SEMILAYER_SOURCE_STORE_DRIVER", "kin"),
        ("SEMILAYER_SOURCE_VAGUE_HOST", "h"),
        ("SEMILAYER_SOURCE_OTHER_URL", "mystery://db"),
        ("SEMILAYER_SOURCE_NONSENSE", "x"),
    ]));
    let found = find_sources(&resolver, &file("filed", None, &[("url", "fake://f")]), None);
    let names: Vec<&str> = found.sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["filed", "other", "primary_db", "store", "vague"]);
    let drivers: Vec<Option<&str>> = found
        .sources
        .iter()
        .map(|source| source.resolved.as_ref().ok().map(ResolvedSource::driver))
        .collect();
    let (fake, relative) = (Some("@semilayer/bridge-fake"), Some("@semilayer/bridge-relative"));
    assert_eq!(drivers, [fake, None, fake, relative, None]);
    let error = |index: usize| found.sources[index].resolved.as_ref().unwrap_err().message().to_owned();
    assert!(error(1).contains("mystery://"), "{}", error(1));
    assert!(error(4).contains("SEMILAYER_SOURCE_VAGUE_DRIVER"), "{}", error(4));
    assert_eq!(found.sources[2].variables.len(), 2);
    assert!(matches!(&found.warnings[..], [SourceWarning::Unused { variable, .. }]
        if variable == "SEMILAYER_SOURCE_NONSENSE"));
}

#[test]
fn every_oddity_is_a_warning() {
    let resolver = resolver(environment(&[
        ("SEMILAYER_SOURCE_TWIN_DB_URL", "fake://twin"),
        ("SEMILAYER_SOURCE_HELD_URL", "fake://held"),
        ("SEMILAYER_SOURCE_MISSNG_URL", "fake://missing"),
        ("SEMILAYER_SOURCE_TWIN_URL", "fake://short"),
        ("SEMILAYER_SOURCE_TWIN_PROT", "1"),
    ]));
    let assigned = [
        local("twin-db"),
        local("twin.db"),
        local("twin"),
        managed("held", r#"{"url":"fake://x"}"#),
        local("missing"),
    ];
    let found = find_sources(&resolver, &FileSources::new(), Some(&assigned));
    assert!(found.sources.iter().filter(|source| source.assigned).count() == 5);
    let expect = [
        "the sources \"twin-db\" and \"twin.db\" both read SEMILAYER_SOURCE_TWIN_DB_…; rename one of them",
        "SEMILAYER_SOURCE_TWIN_PROT is no setting of the source \"twin\"; did you mean SEMILAYER_SOURCE_TWIN_PORT?",
        "the source \"held\" is configured by the gateway; not read: SEMILAYER_SOURCE_HELD_URL",
        "the source \"missing\" is assigned to this runner and not configured: set SEMILAYER_SOURCE_MISSING_URL",
        "SEMILAYER_SOURCE_MISSNG_URL is set, and no source reads it",
        "SEMILAYER_SOURCE_TWIN_DB_URL is taken as a setting of \"twin-db\", not of \"twin\"",
    ];
    let said: Vec<String> = found.warnings.iter().map(ToString::to_string).collect();
    for line in expect {
        assert!(said.iter().any(|warning| warning.starts_with(line)), "{line}\nis not in\n{said:#?}");
    }
    assert!(said.iter().any(|warning| warning.contains("set, but not read: SEMILAYER_SOURCE_MISSNG_URL")));
}
