//! The way to the gateway: reachable, then the handshake, then the clock.

use std::sync::Arc;
use std::time::Duration;

use dial::{BoxedStream, ConnectOptions, Destination, DialError, Dialer, TlsOptions};
use runner_link::{DialConnect, GatewayUrl, HelloParts, Settings};
use tokio::time::{Instant, timeout};

use crate::check::{Area, Check, Status};
use crate::http::{self, NoStatus};
use crate::probe;
use crate::remedy;

/// How long the gateway has to be reached and to answer.
const REACH_LIMIT: Duration = Duration::from_secs(5);
/// What is asked for.
const HEALTH_PATH: &str = "/health";

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

/// Tries the way to the gateway. The handshake is skipped when the gateway cannot be reached.
pub async fn examine(gateway: &Gateway) -> Vec<Check> {
    let reachable = reachable(gateway).await;
    if reachable.status == Status::Failed {
        let text = "not tried: the gateway cannot be reached";
        return vec![reachable, Check::new(Area::Gateway, "handshake", Status::Skipped, text)];
    }
    let connect = DialConnect::new(gateway.dialer.clone(), gateway.settings.gateway(), gateway.tls.clone());
    let mut checks = vec![reachable];
    checks.extend(probe::handshake(&gateway.settings, Arc::new(connect), gateway.hello.clone()).await);
    checks
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
    let asked = match timeout(REACH_LIMIT, ask(gateway, target)).await {
        Ok(asked) => asked,
        Err(_) => Err(Unreached::TimedOut),
    };
    let check = |status, text: String| {
        Check::new(Area::Gateway, "reachable", status, text).with_elapsed(began.elapsed())
    };
    match asked {
        // Any answer will do: that there is a way is what is asked.
        Ok(status) => check(Status::Passed, format!("{url} → {status}")),
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
    }
}

async fn ask(gateway: &Gateway, target: &GatewayUrl) -> Result<u16, Unreached> {
    let destination = Destination::new(target.host(), target.port());
    let options = ConnectOptions { timeout: REACH_LIMIT, ..ConnectOptions::default() };
    let connected = gateway.dialer.connect(&destination, &options).await.map_err(Unreached::Dial)?;
    let stream: BoxedStream = if target.is_tls() {
        let encrypted =
            gateway.dialer.start_tls(connected.stream, &destination, &gateway.tls, REACH_LIMIT).await;
        Box::new(encrypted.map_err(Unreached::Dial)?)
    } else {
        Box::new(connected.stream)
    };
    http::status(stream, &target.authority(), HEALTH_PATH).await.map_err(Unreached::Http)
}
