//! Every setting of the runner itself, as a table: what shows them, describes them or looks for a misspelt one goes by it.

use connector_model::nearest::nearest;

use super::layers::Names;
use crate::arguments::Flags;
use crate::variables::Variables;

/// A setting.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// By what names it is set. A setting without a key cannot stand in the file.
    pub names: Names,
    /// What its value is.
    pub kind: Kind,
    /// What holds when nobody sets it, in words; empty when it is required.
    pub default: &'static str,
    /// What it is, in one sentence.
    pub about: &'static str,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is shown in part only.
    Token,
    /// A URL; its password, if it has one, is not shown.
    Url,
    /// The path of a file or folder.
    Path,
    /// A whole number in this range.
    Number(u64, u64),
    /// One of these.
    Choice(&'static [&'static str]),
    /// True or false.
    Boolean,
}

impl Known {
    /// What it is called where it is shown: as in the file, else as its variable, else as its flag.
    pub fn name(&self) -> &'static str {
        let Names { flag, variable, key } = self.names;
        [key, variable, flag].into_iter().find(|name| !name.is_empty()).unwrap_or_default()
    }
}

const fn names(flag: &'static str, variable: &'static str, key: &'static str) -> Names {
    Names { flag, variable, key }
}

const fn known(names: Names, kind: Kind, default: &'static str, about: &'static str) -> Known {
    Known { names, kind, default, about }
}

/// Every setting of `[runner]`, and those that only a flag or a variable sets.
pub const RUNNER: &[Known] = &[
    known(names("--id", "SEMILAYER_RUNNER_ID", "id"), Kind::Text, "", "The runner's UUID, or its name."),
    known(
        names("--token", "SEMILAYER_RUNNER_TOKEN", "token"),
        Kind::Token,
        "",
        "The runner's token, rk_…; better kept in a file of its own, named by SEMILAYER_RUNNER_TOKEN_FILE.",
    ),
    known(
        names("--gateway", "SEMILAYER_GATEWAY_URL", "gateway"),
        Kind::Url,
        runner_protocol::DEFAULT_GATEWAY_URL,
        "The gateway's URL, wss:// (ws:// to another machine needs --insecure-gateway).",
    ),
    known(
        names("--insecure-gateway", "", ""),
        Kind::Boolean,
        "false",
        "Permits ws:// to another machine; the token then crosses the network in clear.",
    ),
    known(
        names("", "SEMILAYER_TOKEN_IN", "token_in"),
        Kind::Choice(&["auto", "header", "query"]),
        "auto",
        "Where the token is put in the upgrade request: auto is query for hosts under semilayer.com, else header.",
    ),
    known(
        names("", "SEMILAYER_AUTH_ATTEMPTS", "auth_attempts"),
        Kind::Number(0, u32::MAX as u64),
        "10",
        "Refused logins until the runner ends with code 4; 0 is for ever.",
    ),
    known(
        names("--ca-file", "SEMILAYER_CA_FILE", "ca_file"),
        Kind::Path,
        "the system's authorities",
        "A PEM file with authorities to trust besides the system's.",
    ),
    known(
        names("", "NODE_EXTRA_CA_CERTS", ""),
        Kind::Path,
        "none",
        "Another one, under the name that the Node runner knows.",
    ),
    known(
        names("", "SSL_CERT_FILE", ""),
        Kind::Path,
        "none",
        "Another one, under the name that OpenSSL knows; added, not instead.",
    ),
    known(
        names("--client-cert", "SEMILAYER_CLIENT_CERT", "client_cert"),
        Kind::Path,
        "none",
        "A PEM file with the certificate to show to the gateway.",
    ),
    known(
        names("--client-key", "SEMILAYER_CLIENT_KEY", "client_key"),
        Kind::Path,
        "none",
        "A PEM file with its private key.",
    ),
    known(
        names("--connectors-dir", "SEMILAYER_CONNECTORS_DIR", "connectors_dir"),
        Kind::Path,
        "/connectors when it is there",
        "The folder with connector modules.",
    ),
    known(
        names("", "SEMILAYER_CACHE_DIR", "cache_dir"),
        Kind::Path,
        "none",
        "Where compiled modules are kept between starts.",
    ),
    known(
        names("--max-jobs", "SEMILAYER_MAX_JOBS", "max_jobs"),
        Kind::Number(1, 10_000),
        "256",
        "Jobs that run at once; four times as many wait.",
    ),
    known(
        names("", "SEMILAYER_DRAIN_SECONDS", "drain_seconds"),
        Kind::Number(0, 86_400),
        "30",
        "How long jobs may finish after SIGTERM, in seconds.",
    ),
    known(
        names("--log-format", "SEMILAYER_LOG_FORMAT", "log_format"),
        Kind::Choice(&["text", "json"]),
        "text",
        "How a line of the log looks.",
    ),
    known(
        names("--log-level", "SEMILAYER_LOG", "log"),
        Kind::Text,
        "info",
        "What is logged: error, warn, info, debug, trace, or a filter such as info,runner_link=debug.",
    ),
    known(
        names("", "PORT", ""),
        Kind::Number(0, u16::MAX as u64),
        "none: nothing listens",
        "The port of /health, /livez and /readyz.",
    ),
    known(
        names("", "SEMILAYER_RUNNER_VERSION", ""),
        Kind::Text,
        "none",
        "A label that is shown beside the real version.",
    ),
    known(
        names("--config", "SEMILAYER_CONFIG", ""),
        Kind::Path,
        "semilayer-runner.toml in the working directory or /etc/semilayer",
        "The configuration file.",
    ),
];

/// Every setting of `[managed]` that is a list; `enabled` stands in the file only.
pub const MANAGED_LISTS: &[Known] = &[
    known(
        names("", "SEMILAYER_MANAGED_ALLOW_HOSTS", "allow_hosts"),
        Kind::Text,
        "every host but loopback, link-local and metadata addresses",
        "The only hosts that configurations sent by the gateway may name.",
    ),
    known(
        names("", "SEMILAYER_MANAGED_ALLOW_FILES", "allow_files"),
        Kind::Text,
        "none",
        "The only files and Unix sockets that configurations sent by the gateway may name.",
    ),
];

/// What `[managed] enabled` is.
pub const MANAGED_ENABLED: &str = "Whether configurations sent by the gateway are used at all.";

/// What a flag says.
pub fn flag(flags: &Flags, flag: &str) -> Option<String> {
    use secrecy::ExposeSecret;
    let path = |path: &std::path::PathBuf| path.display().to_string();
    match flag {
        "--id" => flags.id.clone(),
        "--token" => flags.token.as_ref().map(|token| token.0.expose_secret().to_owned()),
        "--gateway" => flags.gateway.clone(),
        "--insecure-gateway" => flags.insecure_gateway.then(|| "true".to_owned()),
        "--ca-file" => {
            let files: Vec<String> = flags.ca_files.iter().map(path).collect();
            (!files.is_empty()).then(|| files.join(", "))
        }
        "--client-cert" => flags.client_cert.clone(),
        "--client-key" => flags.client_key.clone(),
        "--connectors-dir" => flags.connectors_dir.clone(),
        "--max-jobs" => flags.max_jobs.clone(),
        "--log-format" => flags.log_format.clone(),
        "--log-level" => flags.log_level.clone(),
        "--config" => flags.config.as_ref().map(path),
        _ => None,
    }
}

/// A variable that looks like one of ours, is not a source's, and that nothing reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub variable: String,
    /// What may have been meant.
    pub nearest: Option<String>,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is set, and nothing reads it", self.variable)?;
        match &self.nearest {
            Some(nearest) => write!(f, "; did you mean {nearest}?"),
            None => Ok(()),
        }
    }
}

/// The variables that nothing reads.
pub fn unread(variables: &Variables) -> Vec<Unread> {
    let all = || RUNNER.iter().chain(MANAGED_LISTS).map(|known| known.names.variable);
    let is_known = |name: &str| all().any(|known| name == known || name.strip_suffix("_FILE") == Some(known));
    let unread = variables.names().filter(|name| {
        name.to_ascii_uppercase().starts_with("SEMILAYER_")
            && !name.starts_with("SEMILAYER_SOURCE_")
            && !is_known(name)
            && !is_of_kubernetes(name)
    });
    unread
        .map(|name| {
            // What they all begin with would make any two of them look alike.
            let rest = |name: &str| name.to_ascii_uppercase().replacen("SEMILAYER_", "", 1);
            let candidates: Vec<(String, &str)> =
                all().filter(|known| !known.is_empty()).map(|known| (rest(known), known)).collect();
            let alike = nearest(&rest(name), candidates.iter().map(|(rest, _)| rest.as_str()));
            let named = alike.first().and_then(|alike| candidates.iter().find(|(rest, _)| rest == alike));
            Unread { variable: name.to_owned(), nearest: named.map(|(_, name)| (*name).to_owned()) }
        })
        .collect()
}

/// Kubernetes tells every container of every service in its namespace, and one may be called `semilayer-gateway`
/// (documentation of services, "environment variables").
fn is_of_kubernetes(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.contains("_PORT_")
}

#[cfg(test)]
mod tests {
    use super::super::file::RUNNER_KEYS;
    use super::*;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_has_every_key_of_the_file_and_every_flag_and_they_are_spelled_alike() {
        let keys: BTreeSet<&str> =
            RUNNER.iter().map(|known| known.names.key).filter(|key| !key.is_empty()).collect();
        assert_eq!(keys, RUNNER_KEYS.into_iter().collect());

        let command = crate::arguments::Arguments::command();
        let flags: BTreeSet<String> = command
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .filter(|long| !["help", "version"].contains(long))
            .map(|long| format!("--{long}"))
            .collect();
        let known: BTreeSet<String> =
            RUNNER.iter().map(|known| known.names.flag.to_owned()).filter(|flag| !flag.is_empty()).collect();
        assert_eq!(known, flags);
    }

    #[test]
    fn a_misspelt_variable_is_seen_and_those_of_kubernetes_are_not_ours() {
        let variables = [
            "SEMILAYER_MAX_JOB",
            "semilayer_runner_id",
            "SEMILAYER_RUNNER_TOKEN_FILE",
            "SEMILAYER_SOURCE_A_URL",
            "SEMILAYER_GATEWAY_SERVICE_HOST",
            "SEMILAYER_GATEWAY_PORT_443_TCP_ADDR",
            "SEMILAYER_GATEWAY_PORT",
            "PORT_FILE",
        ];
        let variables = Variables::new(variables.map(|name| (name.into(), "x".into())));
        let said: Vec<String> = unread(&variables).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "SEMILAYER_MAX_JOB is set, and nothing reads it; did you mean SEMILAYER_MAX_JOBS?",
                "semilayer_runner_id is set, and nothing reads it; did you mean SEMILAYER_RUNNER_ID?",
            ]
        );
    }
}
