//! Opening a session, stage by stage.

use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::{CallContext, ConnectDeadline, OpenContext, Stage, StageReport};
use connector_model::error::{ErrorCode, Result};

use crate::answered;
use crate::bindings::exports::semilayer::connector::source::ServerInfo;
use crate::call;
use crate::guest_error::at_stage;
use crate::hosted::Configured;
use crate::instance::{Instance, Outcome};
use crate::log::Secrets;
use crate::reach::Reach;
use crate::session::HostedSession;

/// What a guest gets beyond its time, to say itself what took so long.
const GRACE: Duration = Duration::from_millis(250);

/// An instance with an open session.
pub(crate) async fn open(source: &Arc<Configured>, cx: &OpenContext) -> Result<HostedSession> {
    cx.passed(StageReport::new(Stage::Config, Duration::ZERO, "complete"));
    let slot = source.slot(cx).await?;
    let by = ConnectDeadline::after(source.connect_timeout + GRACE);
    let bounds = CallContext {
        deadline: cx.call.deadline.min(tokio::time::Instant::now() + source.connect_timeout),
        cancel: cx.call.cancel.clone(),
    };
    let reach = Reach::new(Arc::clone(&source.grant), source.hosted.voice.clone(), cx);
    let made = by.run(&cx.call, Stage::Auth, Instance::of_session(&source.hosted, reach)).await?;
    let mut instance =
        made.map_err(|failure| at_stage(call::unmade(failure, &source.hosted), Stage::Auth))?;
    instance.begin(&bounds);

    let begun = Instant::now();
    let opening = instance.open(&source.config, call::millis(&bounds));
    let opened = by.run(&cx.call, Stage::Auth, opening).await;
    let session = settled(&mut instance, source, opened, Stage::Auth)?;
    let opened_in = begun.elapsed();

    let begun = Instant::now();
    let pinged = by.run(&cx.call, Stage::Query, instance.ping(session)).await;
    let info = settled(&mut instance, source, pinged, Stage::Query)?;
    report(cx, source, &info, instance.secrets(), opened_in, begun.elapsed());

    // Dials from now on are no part of the open.
    instance.reach().opened();
    instance.settle();
    let context = OpenContext { observer: None, ..cx.clone() };
    Ok(HostedSession::new(Arc::clone(source), context, instance, session, slot))
}

/// What a stage brought. The instance is not used again when it is an error.
fn settled<T>(
    instance: &mut Instance,
    source: &Configured,
    outcome: Result<Outcome<T>>,
    stage: Stage,
) -> Result<T> {
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(failure)) => {
            instance.settle();
            Err(at_stage(call::failed(failure, instance, &source.hosted), stage))
        }
        // A guest that dials again and again until its time is over has told nobody why.
        Err(silent) if silent.code() == ErrorCode::SourceUnreachable => {
            Err(instance.dialled().unwrap_or(silent))
        }
        Err(stopped) => Err(stopped),
    }
}

fn report(
    cx: &OpenContext,
    source: &Configured,
    info: &ServerInfo,
    secrets: &Secrets,
    opened: Duration,
    pinged: Duration,
) {
    let manifest = &source.hosted.module.manifest.manifest;
    let note = format!("connector {} {}", source.hosted.name, manifest.version);
    cx.passed(StageReport::new(Stage::Auth, opened, note));
    let found = secrets.shown(format!("{} {}", info.product, info.version).trim(), answered::MAX_SERVER);
    let warning = secrets.shown(&info.warnings.join("; "), 1_000);
    let found = StageReport::new(Stage::Query, pinged, found);
    cx.passed(if warning.is_empty() { found } else { found.with_warning(warning) });
    let rights = |note: &str| StageReport::new(Stage::ReadOnly, Duration::ZERO, note);
    cx.passed(match info.can_write {
        Some(true) => rights("the connector only reads").with_warning(
            "this login may write; the connector only reads, but a login that can do no more is safer",
        ),
        Some(false) => rights("this login cannot write"),
        None => rights("the connector only reads; the server does not say what this login may"),
    });
}
