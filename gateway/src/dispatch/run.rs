//! Picks a socket, hands the job over, and tries once more where that can still go unseen.

use std::sync::Arc;
use std::time::Duration;

use runner_protocol::{Job, JobParams, JobSpec, codes};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::job::{Answer, JobRequest, RunningJob, Step};
use super::select::{Candidate, choose};
use super::{JobFailure, Recorder};
use crate::bridge::short_name;
use crate::sessions::{NotTaken, Registry, Session};
use crate::store::{FinishedJob, StartedJob};

/// How long a job whose socket was lost waits for another one, or for the same runner to come back. A caller should
/// hear within two seconds that its runner has died.
const RECONNECT_WAIT: Duration = Duration::from_secs(1);
/// How often a job is handed over at most.
const ATTEMPTS: u32 = 2;
/// Longest target that the record keeps, in characters.
const LONGEST_TARGET: usize = 256;

/// Runs jobs.
pub(crate) struct Dispatcher {
    registry: Arc<Registry>,
    recorder: Recorder,
    grace: Duration,
}

/// One hand-over of a request. Each has an id of its own, so that a runner that still ends the first cannot take the
/// second for it. Random, because logs show only its first eight digits.
struct Attempt {
    id: Uuid,
    request: Option<Uuid>,
    number: u32,
}

impl Attempt {
    fn again(&self) -> Self {
        let request = Some(self.request.unwrap_or(self.id));
        Self { id: Uuid::new_v4(), request, number: self.number + 1 }
    }
}

/// A job that has not answered with anything.
#[derive(Debug)]
pub(crate) struct Unanswered {
    /// Why.
    pub(crate) failure: JobFailure,
    /// Its id in the record.
    pub(crate) job: Uuid,
}

impl Dispatcher {
    /// A dispatcher over the live sockets. `grace` is how long after a deadline the runner's own timeout is waited
    /// for.
    pub(crate) fn new(registry: Arc<Registry>, recorder: Recorder, grace: Duration) -> Self {
        Self { registry, recorder, grace }
    }

    /// Runs a job until it answers with its first rows or its good end.
    pub(crate) async fn run(&self, request: &JobRequest) -> Result<Answer, Unanswered> {
        let deadline = Instant::now() + request.deadline;
        let mut tried = Vec::new();
        let mut attempt = Attempt { id: Uuid::new_v4(), request: None, number: 1 };
        let mut failed = None;
        let mut full = None;
        loop {
            if Instant::now() >= deadline {
                return Err(self.unsent(request, JobFailure::expired(total_ms(request)), &attempt));
            }
            let session = match self.pick(request, &tried) {
                Ok(session) => session,
                // Where the second attempt finds nobody, the first one's failure stands.
                Err(reason) => {
                    return Err(failed.unwrap_or_else(|| {
                        let failure = full.unwrap_or_else(|| JobFailure::no_runner(reason));
                        self.unsent(request, failure, &attempt)
                    }));
                }
            };
            tried.push(session.id);
            // Where it is not taken nothing was sent, so nothing was tried.
            let mut job = match self.hand_over(request, &session, &attempt, deadline).await {
                Ok(job) => job,
                Err(NotTaken::Gone) => continue,
                Err(NotTaken::Full) => {
                    full = Some(JobFailure::busy(&session.runner_name));
                    continue;
                }
            };
            let failure = match first_step(&mut job).await {
                Step::Failed(failure) => failure,
                first => return Ok(Answer { first, job }),
            };
            let again = failure.retryable
                && attempt.number < ATTEMPTS
                && self.another(request, &failure, &tried, deadline).await;
            let unanswered = Unanswered { failure, job: job.id };
            if !again {
                return Err(unanswered);
            }
            let code = &unanswered.failure.code;
            tracing::info!(job = %job.id, runner = %job.runner_name(), %code, "trying the job once more");
            failed = Some(unanswered);
            attempt = attempt.again();
        }
    }

    /// Whether the job can be handed over again: to a socket that has not had it, for which a lost one is worth a
    /// short wait.
    async fn another(
        &self,
        request: &JobRequest,
        failure: &JobFailure,
        tried: &[Uuid],
        deadline: Instant,
    ) -> bool {
        if Instant::now() >= deadline {
            return false;
        }
        // Subscribed before looking, so that no arrival falls between.
        let mut arrivals = self.registry.arrivals();
        if self.pick(request, tried).is_ok() {
            return true;
        }
        if failure.code != codes::RUNNER_FAILED {
            return false;
        }
        let until = deadline.min(Instant::now() + RECONNECT_WAIT);
        let arrived = timeout_at(until, async {
            while arrivals.changed().await.is_ok() {
                if self.pick(request, tried).is_ok() {
                    return;
                }
            }
        });
        arrived.await.is_ok()
    }

    async fn hand_over(
        &self,
        request: &JobRequest,
        session: &Arc<Session>,
        attempt: &Attempt,
        deadline: Instant,
    ) -> Result<RunningJob, NotTaken> {
        let id = attempt.id;
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        // Zero would mean the default on the wire.
        let deadline_ms = u64::try_from(left).unwrap_or(u64::MAX).max(1);
        let job = Job {
            id: id.to_string(),
            params: JobParams {
                source: request.route.assigned.clone(),
                job: JobSpec {
                    kind: request.kind.to_owned(),
                    target: request.target.clone(),
                    options: request.options.clone(),
                },
            },
            deadline_ms,
        };
        let taken = timeout_at(deadline, session.start(id, job, deadline)).await;
        // A socket that does not even take the job in its time is as good as gone.
        let inbox = taken.unwrap_or(Err(NotTaken::Gone))?;
        self.recorder.started(self.note(request, attempt, Some(session), deadline_ms));
        let (session, recorder) = (Arc::clone(session), self.recorder.clone());
        Ok(RunningJob::new(id, session, inbox, total_ms(request), self.grace, recorder))
    }

    /// The socket for the job, or why there is none.
    fn pick(&self, request: &JobRequest, tried: &[Uuid]) -> Result<Arc<Session>, String> {
        let source = &request.route.source;
        let live = self.registry.of(&request.route.runners);
        let candidates: Vec<Candidate> = live
            .iter()
            .map(|session| Candidate {
                fit: session.accepts_jobs() && session.serves(&source.bridge) && !tried.contains(&session.id),
                load: session.load(),
                failing_since: session
                    .health_of(&source.name)
                    .filter(|health| health.state == runner_protocol::SourceState::Failing)
                    .map(|health| health.checked_at),
            })
            .collect();
        let chosen = choose(&candidates, &mut rand::rng()).and_then(|index| live.get(index));
        chosen.map(Arc::clone).ok_or_else(|| explain(request, &live))
    }

    /// Records an attempt that no runner was given.
    fn unsent(&self, request: &JobRequest, failure: JobFailure, attempt: &Attempt) -> Unanswered {
        let id = attempt.id;
        self.recorder.started(self.note(request, attempt, None, 0));
        self.recorder.finished(FinishedJob {
            id,
            status: failure.status(),
            rows: 0,
            bytes: 0,
            error_code: Some(failure.code.to_string()),
            error_message: Some(failure.recorded_message()),
        });
        Unanswered { failure, job: id }
    }

    fn note(
        &self,
        request: &JobRequest,
        attempt: &Attempt,
        session: Option<&Arc<Session>>,
        deadline_ms: u64,
    ) -> StartedJob {
        StartedJob {
            id: attempt.id,
            source_id: request.route.source.id,
            runner_id: session.map(|session| session.runner_id),
            session_id: session.map(|session| session.id),
            kind: request.kind,
            target: request.target.as_ref().map(|target| target.chars().take(LONGEST_TARGET).collect()),
            attempt: attempt.number,
            request_id: attempt.request.unwrap_or(attempt.id),
            deadline_ms,
        }
    }
}

/// The whole time that a job has, in milliseconds.
fn total_ms(request: &JobRequest) -> u64 {
    u64::try_from(request.deadline.as_millis()).unwrap_or(u64::MAX)
}

/// The first step that says how the job goes. An empty chunk does not: an error after it can still go unseen.
async fn first_step(job: &mut RunningJob) -> Step {
    loop {
        match job.next().await {
            Step::Chunk(chunk)
                if chunk.agg.is_none() && chunk.total.is_none() && chunk.rows.as_bytes() == b"[]" => {}
            step => return step,
        }
    }
}

/// Why nobody can run the job, and what to do about it.
fn explain(request: &JobRequest, live: &[Arc<Session>]) -> String {
    let source = &request.route.source;
    let name = &source.name;
    let runners = request.route.runner_names.join("`, `");
    if request.route.runners.is_empty() {
        return format!(
            "no runner is assigned to source `{name}`; assign one: semilayer-gateway admin runners assign <runner> {name}"
        );
    }
    if live.is_empty() {
        return format!(
            "source `{name}` is assigned to `{runners}`, and none is connected; start one with semilayer-runner start"
        );
    }
    if !live.iter().any(|session| session.serves(&source.bridge)) {
        let bridge = short_name(&source.bridge);
        return format!(
            "`{runners}` is connected, but serves no bridge `{bridge}`, which source `{name}` needs"
        );
    }
    format!("every runner of source `{name}` that could serve it is shutting down or full; try again")
}

#[cfg(test)]
mod tests;
