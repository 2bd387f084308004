//! The way to the gateway: reachable, then the handshake, then the clock.

use std::time::Duration;

use dial::{DialError, Kind, PresentedCertificate};
use runner_link::{DialConnect, HelloParts, Settings};
use tokio::time::{Instant, timeout};

use crate::check::{Area, Check, Status};
use crate::http::{self, NoStatus};
use crate::probe;
use crate::remedy;

/// How long a connection, TLS and the answer may take, each.
const REACH_LIMIT: Duration = Duration::from_secs(5);
/// What is asked for.
const HEALTH_PATH: &str = "/health";

/// What is needed to try the way to the gateway.
#[derive(Clone)]
pub struct Gateway {
    /// Who the runner is, and where the gateway.
    pub settings: Settings,
    /// How the runner connects to it.
    pub connect: DialConnect,
    /// Which flag, variable or entry names the proxy, if there is one.
    pub proxy_from: Option<String>,
    /// Why there is none, where one is set for other hosts.
    pub direct_because: Option<String>,
    /// What the runner would say in `hello`.
    pub hello: HelloParts,
}

/// Tries the way to the gateway. The handshake is skipped when the gateway cannot be reached.
pub async fn examine(gateway: &Gateway) -> Vec<Check> {
    let reachable = reachable(gateway).await;
    if reachable.status == Status::Failed {
        let text = "not tried: the gateway cannot be reached";
        return vec![reachable, Check::new(Area::Gateway, "handshake", Status::Skipped, text)];
    }
    let mut checks = vec![reachable];
    checks.extend(probe::handshake(gateway).await);
    checks
}

/// What answered.
struct Answer {
    status: u16,
    certificate: Option<PresentedCertificate>,
}

/// Why the gateway was not reached.
enum Unreached {
    Dial(DialError),
    Http(NoStatus),
    TimedOut,
}

async fn reachable(gateway: &Gateway) -> Check {
    let began = Instant::now();
    let target = gateway.settings.gateway();
    let url = target.http_url(HEALTH_PATH);
    // The connection bounds itself, and then knows which stage it was in.
    let asked = match timeout(REACH_LIMIT * 3, ask(gateway)).await {
        Ok(asked) => asked,
        Err(_) => Err(Unreached::TimedOut),
    };
    let check = |status, text: String| {
        let found = Check::new(Area::Gateway, "reachable", status, text).with_elapsed(began.elapsed());
        match &gateway.direct_because {
            Some(reason) => found.with_detail(format!("without a proxy: {reason}")),
            None => found,
        }
    };
    match asked {
        // Any answer will do: that there is a way is what is asked.
        Ok(Answer { status, certificate }) => {
            let found = check(Status::Passed, format!("{url} → {status}{}", way(gateway)));
            match certificate {
                Some(certificate) => found.with_detail(format!("certificate: {certificate}")),
                None => found,
            }
        }
        Err(Unreached::Dial(error)) => {
            let failed = match error.proxy() {
                Some(_) => format!("{url} — {}: {error}", error.stage()),
                None => format!("{url} — {error}"),
            };
            check(Status::Failed, failed).with_remedy(remedy::of_gateway_dial(&error, gateway))
        }
        Err(Unreached::Http(NoStatus::NotHttp)) => check(Status::Failed, format!("{url} — what answers is no HTTP server"))
            .with_remedy(Some("check host and port of SEMILAYER_GATEWAY_URL, and that ws:// or wss:// is right for the port")),
        // In TLS 1.3 a client hears only now that its certificate, or the want of one, is refused.
        Err(Unreached::Http(NoStatus::Lost(Kind::ClientCertificate { alert }))) => {
            check(Status::Failed, format!("{url} — the gateway wants a client certificate that it accepts (alert {alert})"))
                .with_remedy(Some(remedy::CLIENT_CERTIFICATE))
        }
        Err(Unreached::Http(NoStatus::Lost(kind))) => {
            check(Status::Failed, format!("{url} — the connection ended without an answer ({}){}", kind.code(), way(gateway)))
                .with_remedy(Some("a firewall or proxy between here and the gateway ends the connection; allow this machine to reach it over TCP"))
        }
        Err(Unreached::TimedOut) => {
            check(Status::Failed, format!("{url} — connected, and no answer in time{}", way(gateway)))
                .with_remedy(Some(remedy::silent(gateway)))
        }
    }
}

/// The proxy, and who named it.
fn way(gateway: &Gateway) -> String {
    let from = gateway.proxy_from.as_ref().map(|from| format!(" ({from})")).unwrap_or_default();
    gateway.connect.proxy().map(|proxy| format!(" through the proxy {proxy}{from}")).unwrap_or_default()
}

async fn ask(gateway: &Gateway) -> Result<Answer, Unreached> {
    let opened = gateway.connect.clone().with_limit(REACH_LIMIT).open().await.map_err(Unreached::Dial)?;
    let authority = gateway.settings.gateway().authority();
    match timeout(REACH_LIMIT, http::status(opened.stream, &authority, HEALTH_PATH)).await {
        Ok(Ok(status)) => Ok(Answer { status, certificate: opened.certificate }),
        Ok(Err(problem)) => Err(Unreached::Http(problem)),
        Err(_) => Err(Unreached::TimedOut),
    }
}
