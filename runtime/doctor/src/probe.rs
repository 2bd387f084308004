//! Whether the gateway would accept this runner.

use std::sync::Arc;
use std::time::Duration;

use runner_link::{Connect, Disconnect, HelloParts, Settings, Verdict, probe};
use runner_protocol::{AssignedSources, CloseCode, PROTOCOL_VERSION};
use tokio::time::{Instant, timeout};

use crate::check::{Area, Check, Status};

/// How long the handshake may take as a whole: connecting, the wait for a refusal, hello and its answer.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(25);
/// A clock that is off by more makes certificates and times in logs wrong.
const SKEW_LIMIT_SECONDS: i64 = 30;

/// What the gateway answered.
pub(crate) struct Answer {
    pub(crate) checks: Vec<Check>,
    /// The sources that are assigned to this runner, where the gateway says so to a probe.
    pub(crate) assigned: Option<AssignedSources>,
}

impl From<Check> for Answer {
    fn from(check: Check) -> Self {
        Answer { checks: vec![check], assigned: None }
    }
}

/// Upgrades as the runner does, without ever being given a job.
pub(crate) async fn handshake(settings: &Settings, connect: Arc<dyn Connect>, hello: HelloParts) -> Answer {
    let began = Instant::now();
    let probed = timeout(HANDSHAKE_LIMIT, probe(settings, connect.as_ref(), hello)).await;
    let check = |status, text: String| {
        Check::new(Area::Gateway, "handshake", status, text).with_elapsed(began.elapsed())
    };
    let probed = match probed {
        Ok(Ok(probed)) => probed,
        Ok(Err(error)) => return check(Status::Failed, error.to_string()).into(),
        Err(_) => {
            return check(Status::Failed, format!("no answer within {} s", HANDSHAKE_LIMIT.as_secs())).into();
        }
    };
    let mut checks = vec![match &probed.verdict {
        Verdict::Accepted { server_version, .. } => {
            check(Status::Passed, format!("accepted, protocol version {server_version}"))
        }
        Verdict::NotRefused => check(
            Status::Passed,
            "the upgrade is accepted and nothing was refused (this gateway knows no probes, so hello was not sent)"
                .to_owned(),
        ),
        Verdict::Refused(reason) => check(Status::Failed, refusal(reason)).with_remedy(reason.advice()),
    }];
    checks.extend(probed.clock_skew_seconds.and_then(clock));
    let assigned = match probed.verdict {
        Verdict::Accepted { assigned, .. } => Some(assigned),
        Verdict::NotRefused | Verdict::Refused(_) => None,
    };
    Answer { checks, assigned }
}

fn refusal(reason: &Disconnect) -> String {
    match reason {
        Disconnect::Closed { code: CloseCode::Unauthorized, reason } => {
            format!("the gateway refuses the credentials: 4401 {reason}")
        }
        Disconnect::Closed { code: CloseCode::UnsupportedVersion, .. } => {
            format!("the gateway does not speak protocol version {PROTOCOL_VERSION}: {reason}")
        }
        _ => reason.to_string(),
    }
}

fn clock(ahead_seconds: i64) -> Option<Check> {
    if ahead_seconds.abs() <= SKEW_LIMIT_SECONDS {
        return None;
    }
    let direction = if ahead_seconds > 0 { "behind" } else { "ahead of" };
    let text = format!("this machine's clock is {} s {direction} the gateway's", ahead_seconds.abs());
    let remedy = "set the clock (NTP): certificates are judged by it, and times in logs are compared";
    Some(Check::new(Area::Gateway, "clock", Status::Warning, text).with_remedy(Some(remedy)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_within_half_a_minute_is_not_worth_a_word() {
        assert_eq!(clock(30), None);
        assert_eq!(clock(-30), None);
        assert_eq!(clock(31).unwrap().text, "this machine's clock is 31 s behind the gateway's");
        assert_eq!(clock(-90).unwrap().text, "this machine's clock is 90 s ahead of the gateway's");
    }
}
