//! Everything side by side, within bounds.

use std::sync::Arc;
use std::time::Duration;

use dial::Dialer;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::check::{Area, Check, Status};
use crate::gateway::{self, Gateway};
use crate::module::{self, ModuleSubject};
use crate::report::Report;
use crate::source::{self, SourceSubject};

/// How long the whole examination may take.
pub const LIMIT: Duration = Duration::from_secs(60);
/// Sources examined at once: each may cost a connection, and a machine's resolver answers so many at a time.
const SOURCES_AT_ONCE: usize = 16;

/// What is to be examined.
pub struct Subject {
    /// What is known beforehand: the configuration, and what is odd about it. Comes first in the report.
    pub known: Vec<Check>,
    /// The way to the gateway; `None` where it is to be left out.
    pub gateway: Option<Gateway>,
    /// The sources.
    pub sources: Vec<SourceSubject>,
    /// The connector modules, which were loaded before: a source may need one.
    pub modules: Vec<ModuleSubject>,
    /// The one way out of this machine.
    pub dialer: Dialer,
    /// How sessions name themselves to servers.
    pub application: Arc<str>,
}

/// Examines everything. Takes at most [`LIMIT`]; what was not finished then is a failure that says so.
pub async fn examine(subject: Subject) -> Report {
    let Subject { known, gateway, sources, modules, dialer, application } = subject;
    let deadline = Instant::now() + LIMIT;
    let mut tasks: JoinSet<(usize, Vec<Check>)> = JoinSet::new();
    let mut results: Vec<(Area, Vec<Check>)> = Vec::new();

    if let Some(gateway) = gateway {
        results.push((Area::Gateway, Vec::new()));
        tasks.spawn(async move { (0, gateway::examine(&gateway).await) });
    }
    let slots = Arc::new(Semaphore::new(SOURCES_AT_ONCE));
    for subject in sources {
        let place = results.len();
        results.push((Area::Source(subject.name.clone()), Vec::new()));
        let (slots, dialer, application) = (slots.clone(), dialer.clone(), application.clone());
        tasks.spawn(async move {
            let _slot = slots.acquire().await;
            (place, source::examine(subject, dialer, application).await)
        });
    }
    while let Ok(Some(ended)) = timeout_at(deadline, tasks.join_next()).await {
        if let Ok((place, checks)) = ended
            && let Some(result) = results.get_mut(place)
        {
            result.1 = checks;
        }
    }
    tasks.abort_all();

    let mut checks = known;
    for (area, found) in results {
        if found.is_empty() {
            let text = format!(
                "not finished: the examination ended after {} s, or the check itself broke",
                LIMIT.as_secs()
            );
            checks.push(Check::new(area, "examination", Status::Failed, text));
        } else {
            checks.extend(found);
        }
    }
    checks.extend(modules.into_iter().flat_map(module::checks));
    Report { checks }
}
