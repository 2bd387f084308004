//! The way to the gateway: reachable, then the handshake, then the clock.

use std::sync::Arc;
use std::time::Duration;

use dial::{BoxedStream, ConnectOptions, Destination, DialError, Dialer, PresentedCertificate, TlsOptions};
use jiff::Timestamp;
use runner_link::{DialConnect, GatewayUrl, HelloParts, Settings};
use runner_protocol::AssignedSources;
use tokio::time::{Instant, timeout};

use crate::check::{Area, Check, Status};
use crate::http::{self, NoStatus};
use crate::probe::{self, Answer};
use crate::remedy;

/// How long the gateway has to be reached and to answer.
const REACH_LIMIT: Duration = Duration::from_secs(5);
/// What is asked for.
const HEALTH_PATH: &str = "/health";
/// What is said of everything that needs a gateway that was reached.
const NOT_REACHED: &str = "not tried: the gateway cannot be reached";
/// Names of assigned sources that a line shows; each has lines of its own anyway.
const NAMES_SHOWN: usize = 10;
/// A certificate that holds for fewer days is worth a warning: renewals that failed have had two tries by then.
const EXPIRY_DAYS: i64 = 14;
const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// What is needed to try the way to the gateway.
#[derive(Clone)]
pub struct Gateway {
    /// Who the runner is, and where the gateway.
    pub settings: Settings,
    /// The one way out of this machine.
    pub dialer: Dialer,
    /// How TLS is spoken.
    pub tls: TlsOptions,
    /// What the runner would say in `hello`.
    pub hello: HelloParts,
}

/// What comes after the gateway was reached, where it is `wss://` or not.
const BEHIND_REACHABLE: [&str; 2] = ["handshake", "assignment"];

/// Tries the way to the gateway. What comes behind a failure is skipped.
pub(crate) async fn examine(gateway: &Gateway) -> Answer {
    let (reachable, certificate) = reachable(gateway).await;
    let failed = reachable.status == Status::Failed;
    let mut checks = vec![reachable];
    let skipped = |name: &str, text: &str| Check::new(Area::Gateway, name, Status::Skipped, text);
    match certificate {
        Some(presented) => checks.push(certificate_check(&presented, Timestamp::now())),
        None if failed && gateway.settings.gateway().is_tls() => {
            checks.push(skipped("certificate", NOT_REACHED));
        }
        None => {}
    }
    if failed {
        checks.extend(BEHIND_REACHABLE.map(|name| skipped(name, NOT_REACHED)));
        return Answer { checks, assigned: None };
    }
    let connect = DialConnect::new(gateway.dialer.clone(), gateway.settings.gateway(), gateway.tls.clone());
    let answer = probe::handshake(&gateway.settings, Arc::new(connect), gateway.hello.clone()).await;
    let refused = answer.checks.iter().any(|check| check.status == Status::Failed);
    checks.extend(answer.checks);
    checks.push(match &answer.assigned {
        Some(assigned) => Check::new(Area::Gateway, "assignment", Status::Passed, assignment(assigned)),
        None if refused => skipped("assignment", "not known: the handshake failed"),
        None => skipped("assignment", "not known: this gateway does not tell it to a probe"),
    });
    Answer { checks, assigned: answer.assigned }
}

fn assignment(assigned: &AssignedSources) -> String {
    let names: Vec<&str> = assigned.iter().map(|source| source.name.as_str()).take(NAMES_SHOWN).collect();
    let more = match assigned.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match assigned.len() {
        0 => "no source is assigned to this runner: it connects and is given no jobs".to_owned(),
        1 => format!("one source: {}", names.join(", ")),
        count => format!("{count} sources: {}{more}", names.join(", ")),
    }
}

/// Whose certificate it is, who signed it, and until when it holds.
fn certificate_check(presented: &PresentedCertificate, now: Timestamp) -> Check {
    let PresentedCertificate { subject, issuer, not_after, .. } = presented;
    let text = format!("{subject}, signed by {issuer}, valid until {not_after}");
    let left = not_after.as_second().saturating_sub(now.as_second()) / SECONDS_A_DAY;
    if left >= EXPIRY_DAYS {
        return Check::new(Area::Gateway, "certificate", Status::Passed, text);
    }
    let text = format!("{text}: {left} days are left");
    Check::new(Area::Gateway, "certificate", Status::Warning, text).with_remedy(Some(
        "have the gateway's certificate renewed before that day; the runner cannot connect after it",
    ))
}

/// Why the gateway was not reached.
enum Unreached {
    Dial(DialError),
    Http(NoStatus),
    TimedOut,
}

async fn reachable(gateway: &Gateway) -> (Check, Option<PresentedCertificate>) {
    let began = Instant::now();
    let target = gateway.settings.gateway();
    let url = target.http_url(HEALTH_PATH);
    let asked = match timeout(REACH_LIMIT, ask(gateway, target)).await {
        Ok(asked) => asked,
        Err(_) => Err(Unreached::TimedOut),
    };
    let check = |status, text: String| {
        Check::new(Area::Gateway, "reachable", status, text).with_elapsed(began.elapsed())
    };
    let failed = match asked {
        // Any answer will do: that there is a way is what is asked.
        Ok((status, certificate)) => {
            return (check(Status::Passed, format!("{url} → {status}")), certificate);
        }
        Err(Unreached::Dial(error)) => {
            let found = check(Status::Failed, format!("{url} — {error}"));
            found.with_remedy(remedy::of_gateway_dial(&error, target))
        }
        Err(Unreached::Http(NoStatus::NotHttp)) => check(Status::Failed, format!("{url} — what answers is no HTTP server"))
            .with_remedy(Some("check host and port of SEMILAYER_GATEWAY_URL, and that ws:// or wss:// is right for the port")),
        Err(Unreached::Http(NoStatus::Lost(kind))) => {
            check(Status::Failed, format!("{url} — the connection ended without an answer ({})", kind.code()))
                .with_remedy(Some("a firewall or proxy between here and the gateway ends the connection; allow this machine to reach it over TCP"))
        }
        Err(Unreached::TimedOut) => {
            check(Status::Failed, format!("{url} — no answer within {} s", REACH_LIMIT.as_secs()))
                .with_remedy(Some(remedy::no_answer(target)))
        }
    };
    (failed, None)
}

/// The status of the answer, and the certificate that was presented.
async fn ask(
    gateway: &Gateway,
    target: &GatewayUrl,
) -> Result<(u16, Option<PresentedCertificate>), Unreached> {
    let destination = Destination::new(target.host(), target.port());
    let options = ConnectOptions { timeout: REACH_LIMIT, ..ConnectOptions::default() };
    let connected = gateway.dialer.connect(&destination, &options).await.map_err(Unreached::Dial)?;
    let mut certificate = None;
    let stream: BoxedStream = if target.is_tls() {
        let encrypted =
            gateway.dialer.start_tls(connected.stream, &destination, &gateway.tls, REACH_LIMIT).await;
        let encrypted = encrypted.map_err(Unreached::Dial)?;
        certificate = encrypted.session().peer_certificate();
        Box::new(encrypted)
    } else {
        Box::new(connected.stream)
    };
    let status = http::status(stream, &target.authority(), HEALTH_PATH).await.map_err(Unreached::Http)?;
    Ok((status, certificate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_ends_within_two_weeks_is_a_warning() {
        let until = |not_after: &str| PresentedCertificate {
            subject: "CN=gateway.example".to_owned(),
            issuer: "CN=Example CA".to_owned(),
            names: vec!["gateway.example".to_owned()],
            not_before: Timestamp::UNIX_EPOCH,
            not_after: not_after.parse().unwrap(),
        };
        let now: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        let fine = certificate_check(&until("2030-01-15T00:00:00Z"), now);
        assert_eq!(fine.status, Status::Passed);
        assert_eq!(
            fine.text,
            "CN=gateway.example, signed by CN=Example CA, valid until 2030-01-15T00:00:00Z"
        );
        let ending = certificate_check(&until("2030-01-14T23:00:00Z"), now);
        assert_eq!(ending.status, Status::Warning);
        assert!(ending.text.ends_with(": 13 days are left") && ending.remedy.is_some(), "{ending:?}");
    }
}
