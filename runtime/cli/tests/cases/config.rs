//! `config show` and `config schema`.

use std::path::Path;

use serde_json::Value;

use crate::support::program::{Ended, TOKEN, run};

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", ended.out, ended.err))
}

#[tokio::test]
async fn every_setting_is_shown_with_its_origin_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    let password = folder.path().join("password");
    std::fs::write(&token, format!("{TOKEN}\n")).unwrap();
    std::fs::write(&password, "hunter2-password\n").unwrap();
    std::fs::write(
        folder.path().join("semilayer-runner.toml"),
        "[runner]\nid = \"edge-1\"\nmax_jobs = 8\n[managed]\nallow_hosts = [\"*.corp.example\"]\n\
         [sources.parts]\ndriver = \"mariadb\"\nurl = \"mysql://app:hunter2@db/parts?x=hunter2\"\npool.max = 3\n\
         [connectors.redis]\nmax_sessions = 4\n",
    )
    .unwrap();
    let variables = [
        ("SEMILAYER_RUNNER_TOKEN_FILE", token.to_str().unwrap()),
        ("SEMILAYER_SOURCE_MAIN_HOST", "db.internal"),
        ("SEMILAYER_SOURCE_MAIN_USER", "app"),
        ("SEMILAYER_SOURCE_MAIN_DRIVER", "postgres"),
        ("SEMILAYER_SOURCE_MAIN_PASSWORD_FILE", password.to_str().unwrap()),
        ("SEMILAYER_MAX_JOB", "8"),
    ];
    let asked = ["config", "show", "--log-level", "debug"];
    let ended = run(folder.path(), &asked, &variables).await;
    assert!(!ended.out.replace("rk_hunte", "").contains("hunter2"), "{}", ended.out);
    let shown = ended.out.replace(folder.path().to_str().unwrap(), "FOLDER");
    insta::assert_snapshot!(shown, @r"
    configuration file: ./semilayer-runner.toml

    [runner]
      id        edge-1         [runner] id in ./semilayer-runner.toml
      token     rk_hunte…mnop  SEMILAYER_RUNNER_TOKEN_FILE (FOLDER/token)
      max_jobs  8              [runner] max_jobs in ./semilayer-runner.toml
      log       debug          --log-level

    [managed]
      allow_hosts  *.corp.example  [managed] allow_hosts in ./semilayer-runner.toml

    [sources.parts]
      driver    @semilayer/bridge-mariadb  [sources.parts] driver in ./semilayer-runner.toml
      url       mysql://app:…@db/parts?…   [sources.parts] url in ./semilayer-runner.toml
      pool.max  3                          [sources.parts] pool.max in ./semilayer-runner.toml

    [sources.main]
      driver    @semilayer/bridge-postgres  SEMILAYER_SOURCE_MAIN_DRIVER
      host      db.internal                 SEMILAYER_SOURCE_MAIN_HOST
      user      app                         SEMILAYER_SOURCE_MAIN_USER
      password  (set, not shown)            SEMILAYER_SOURCE_MAIN_PASSWORD_FILE (FOLDER/password)

    [connectors.redis]
      max_sessions  4  [connectors.redis] max_sessions in ./semilayer-runner.toml

    ! SEMILAYER_MAX_JOB is set, and nothing reads it; did you mean SEMILAYER_MAX_JOBS?
    ");
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));

    let ended = run(folder.path(), &[&asked[..], &["--effective", "--json"]].concat(), &variables).await;
    let shown = json(&ended);
    let of = |section: &str, key: &str| {
        let settings = shown["settings"].as_array().unwrap();
        let found = settings.iter().find(|row| row["section"] == section && row["key"] == key);
        found.unwrap_or_else(|| panic!("[{section}] {key} is not in {shown:#}")).clone()
    };
    assert_eq!(of("runner", "token")["origin"]["kind"], "secret-file");
    assert_eq!(of("runner", "token")["origin"]["path"], token.to_str().unwrap());
    assert_eq!(of("runner", "log")["origin"], serde_json::json!({"kind": "flag", "name": "--log-level"}));
    assert_eq!(of("runner", "drain_seconds")["origin"]["kind"], "default");
    assert_eq!(of("sources.parts", "url")["value"], "mysql://app:…@db/parts?…");
    assert_eq!(of("sources.parts", "url")["origin"]["name"], "[sources.parts] url");
    assert_eq!(of("sources.main", "port")["value"], "5432");
    assert_eq!(of("connectors.redis", "memory")["origin"]["kind"], "default");
    assert!(!ended.out.contains("hunter2"), "{}", ended.out);
}

#[tokio::test]
async fn a_configuration_that_cannot_be_used_is_shown_all_the_same_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_RUNNER_ID_FILE", "/nowhere/id"),
        ("SEMILAYER_SOURCE_SHOP_URL", "postgres://app:hunter2"),
    ];
    let ended = run(folder.path(), &["config", "show"], &variables).await;
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.out.contains("✗ SEMILAYER_RUNNER_ID and SEMILAYER_RUNNER_ID_FILE are both set"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("(required and not set)"), "{}", ended.out);
    assert!(!ended.out.contains("hunter2") && !ended.err.contains("hunter2"), "{}", ended.out);
    let ended = run(folder.path(), &["config", "show", "--config", "/nowhere.toml"], &[]).await;
    assert_eq!((ended.code, &*ended.out), (Some(2), ""));
}

#[tokio::test]
async fn every_variable_of_ours_may_stand_in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{text}\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = put("other.toml", "[runner]\nauth_attempts = 3");
    let pem = put("ca.pem", "no certificate");
    let cases = [
        ("SEMILAYER_RUNNER_ID", "edge", "id", "edge"),
        ("SEMILAYER_RUNNER_TOKEN", TOKEN, "token", "rk_hunte…mnop"),
        ("SEMILAYER_GATEWAY_URL", "wss://g.example/connect", "gateway", "wss://g.example/connect"),
        ("SEMILAYER_TOKEN_IN", "header", "token_in", "header"),
        ("SEMILAYER_CA_FILE", &pem, "ca_file", &pem),
        ("SEMILAYER_CONNECTORS_DIR", "/etc", "connectors_dir", "/etc"),
        ("SEMILAYER_CACHE_DIR", "/var/cache/x", "cache_dir", "/var/cache/x"),
        ("SEMILAYER_MAX_JOBS", "7", "max_jobs", "7"),
        ("SEMILAYER_DRAIN_SECONDS", "5", "drain_seconds", "5"),
        ("SEMILAYER_LOG_FORMAT", "json", "log_format", "json"),
        ("SEMILAYER_LOG", "debug", "log", "debug"),
        ("SEMILAYER_CLIENT_CERT", "/c.pem", "client_cert", "/c.pem"),
        ("SEMILAYER_CLIENT_KEY", "/k.pem", "client_key", "/k.pem"),
        ("PORT", "8080", "PORT", "8080"),
        ("SEMILAYER_RUNNER_VERSION", "blue", "SEMILAYER_RUNNER_VERSION", "blue"),
        ("SEMILAYER_CONFIG", &config, "SEMILAYER_CONFIG", &config),
        ("SEMILAYER_MANAGED_ALLOW_HOSTS", "*.corp.example", "allow_hosts", "*.corp.example"),
        ("SEMILAYER_MANAGED_ALLOW_FILES", "/data/*.db", "allow_files", "/data/*.db"),
    ];
    let files: Vec<(String, String)> =
        cases.iter().map(|(variable, text, ..)| (format!("{variable}_FILE"), put(variable, text))).collect();
    let variables: Vec<(&str, &str)> =
        files.iter().map(|(name, path)| (name.as_str(), path.as_str())).collect();
    let ended = run(folder.path(), &["config", "show", "--json"], &variables).await;
    let shown = json(&ended);
    let settings = shown["settings"].as_array().unwrap();
    for (variable, _, key, value) in cases {
        let row = settings.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}: {shown:#}"));
        assert_eq!((&row["value"], &row["origin"]["kind"]), (&value.into(), &"secret-file".into()), "{row}");
        assert_eq!(row["origin"]["name"], format!("{variable}_FILE"));
    }
    // The file that it names is read: it has a setting of its own.
    assert!(settings.iter().any(|row| row["key"] == "auth_attempts" && row["value"] == "3"), "{shown:#}");
    assert!(ended.code == Some(0), "{shown:#}");
}

#[tokio::test]
async fn the_published_schema_is_the_one_that_the_program_prints() {
    let folder = tempfile::tempdir().unwrap();
    let ended = run(folder.path(), &["config", "schema"], &[]).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""));
    let published = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/semilayer-runner.schema.json");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&published, &ended.out).unwrap();
    }
    let there = std::fs::read_to_string(&published).unwrap_or_default();
    assert!(
        there == ended.out,
        "docs/semilayer-runner.schema.json is not what `config schema` prints: run the tests with UPDATE_DOCS=1"
    );
}
