//! Keeps the store's picture of this instance true: leases renewed, what expired swept, old records forgotten.

use std::sync::Arc;
use std::time::Duration;

use crate::app::App;
use crate::store::SessionLease;

/// How often jobs past their deadline whose caller is not looking are ended.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
/// How often what is older than the retention is deleted.
const FORGET_EVERY: Duration = Duration::from_secs(3_600);

/// Runs until the gateway stops.
pub(crate) async fn keep_leases(app: Arc<App>) {
    let mut renew = tokio::time::interval(app.timings.renew);
    let mut expire = tokio::time::interval(EXPIRE_EVERY);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    for interval in [&mut renew, &mut expire, &mut forget] {
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    }
    loop {
        tokio::select! {
            () = app.ended.cancelled() => return,
            _ = renew.tick() => renew_all(&app).await,
            _ = expire.tick() => {
                for session in app.registry.all() {
                    session.expire_jobs(app.timings.deadline_grace + EXPIRE_EVERY);
                }
            }
            _ = forget.tick() => match app.store.forget_older_than(app.retention).await {
                Ok(0) => {}
                Ok(rows) => tracing::info!(rows, "old jobs and audit entries were deleted"),
                Err(error) => tracing::error!(%error, "old records could not be deleted"),
            },
        }
    }
}

async fn renew_all(app: &App) {
    let leases: Vec<SessionLease> = app
        .registry
        .all()
        .iter()
        .map(|session| SessionLease {
            id: session.id,
            heard_ago_ms: session.silent_ms(),
            active_jobs: u32::try_from(session.in_flight()).unwrap_or(u32::MAX),
            source_health: serde_json::to_string(&session.source_health())
                .unwrap_or_else(|_| "[]".to_owned()),
        })
        .collect();
    if let Err(error) = app.store.renew(app.instance, &leases, app.timings.lease).await {
        tracing::error!(%error, "the leases could not be renewed");
    }
    let used = app.directory.take_used_keys();
    if !used.is_empty()
        && let Err(error) = app.store.touch_keys(&used).await
    {
        tracing::warn!(%error, "the time of last use of some keys was not written");
    }
    match app.store.sweep().await {
        Ok(0) => {}
        Ok(sessions) => tracing::info!(sessions, "expired sessions were swept"),
        Err(error) => tracing::error!(%error, "expired sessions could not be swept"),
    }
}
