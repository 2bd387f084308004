//! Everything side by side, within bounds.

use std::sync::Arc;
use std::time::Duration;

use dial::Dialer;
use runner_protocol::AssignedSources;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::check::{Area, Check, Status};
use crate::gateway::{self, Gateway};
use crate::module::{self, ModuleSubject};
use crate::probe::Answer;
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

/// What the gateway's word about its assignments adds.
#[derive(Default)]
pub struct Assigned {
    /// What is odd about them.
    pub checks: Vec<Check>,
    /// Sources to examine because of it. One of a name that is examined already takes that one's place.
    pub sources: Vec<SourceSubject>,
}

/// Told which sources are assigned, once the gateway has said so. Called on a thread that may block.
pub type WhenAssigned = Box<dyn FnOnce(AssignedSources) -> Assigned + Send>;

/// Examines everything. Takes at most [`LIMIT`]; what was not finished then is a failure that says so.
pub async fn examine(subject: Subject) -> Report {
    examine_with(subject, None).await
}

/// The same, with what the gateway's assignments add to it.
pub async fn examine_with(subject: Subject, mut when_assigned: Option<WhenAssigned>) -> Report {
    let Subject { known, gateway, sources, modules, dialer, application } = subject;
    let deadline = Instant::now() + LIMIT;
    let mut of_gateway: Option<Vec<Check>> = gateway.as_ref().map(|_| Vec::new());
    let mut oddities: Vec<Check> = Vec::new();
    let slots = Arc::new(Semaphore::new(SOURCES_AT_ONCE));
    let mut under_way = UnderWay { tasks: JoinSet::new(), places: Vec::new(), slots, dialer, application };
    if let Some(gateway) = gateway {
        under_way.tasks.spawn(async move { Finding::Gateway(gateway::examine(&gateway).await) });
    }
    sources.into_iter().for_each(|source| under_way.begin(source));

    while let Ok(Some(ended)) = timeout_at(deadline, under_way.tasks.join_next()).await {
        match ended {
            Ok(Finding::Gateway(Answer { checks, assigned })) => {
                of_gateway = Some(checks);
                let Some((assigned, when)) = assigned.zip(when_assigned.take()) else { continue };
                // It reads secret files. Where it breaks there is nothing to add.
                let added = tokio::task::spawn_blocking(move || when(assigned)).await.unwrap_or_default();
                oddities = added.checks;
                added.sources.into_iter().for_each(|source| under_way.begin(source));
            }
            Ok(Finding::Source(place, checks)) => {
                if let Some(place) = under_way.places.get_mut(place) {
                    place.checks = checks;
                }
            }
            // What broke has left no checks, which is told below.
            Err(_) => {}
        }
    }

    let mut checks = known;
    if let Some(found) = of_gateway {
        checks.extend(finished(Area::Gateway, found));
    }
    checks.append(&mut oddities);
    for Place { name, checks: found, replaced } in under_way.places {
        if !replaced {
            checks.extend(finished(Area::Source(name), found));
        }
    }
    checks.extend(modules.into_iter().flat_map(module::checks));
    Report { checks }
}

/// What one task has to say.
enum Finding {
    Gateway(Answer),
    Source(usize, Vec<Check>),
}

/// One source's place in the report.
struct Place {
    name: String,
    checks: Vec<Check>,
    /// Whether a later one of this name is shown instead.
    replaced: bool,
}

/// What is examined at this moment. Its tasks end with it.
struct UnderWay {
    tasks: JoinSet<Finding>,
    places: Vec<Place>,
    slots: Arc<Semaphore>,
    dialer: Dialer,
    application: Arc<str>,
}

impl UnderWay {
    fn begin(&mut self, subject: SourceSubject) {
        for place in self.places.iter_mut().filter(|place| place.name == subject.name) {
            place.replaced = true;
        }
        let place = self.places.len();
        self.places.push(Place { name: subject.name.clone(), checks: Vec::new(), replaced: false });
        let (slots, dialer) = (self.slots.clone(), self.dialer.clone());
        let application = self.application.clone();
        self.tasks.spawn(async move {
            let _slot = slots.acquire().await;
            Finding::Source(place, source::examine(subject, dialer, application).await)
        });
    }
}

/// What a task found; one that found nothing was not finished.
fn finished(area: Area, found: Vec<Check>) -> Vec<Check> {
    if !found.is_empty() {
        return found;
    }
    let text =
        format!("not finished: the examination ended after {} s, or the check itself broke", LIMIT.as_secs());
    vec![Check::new(area, "examination", Status::Failed, text)]
}
