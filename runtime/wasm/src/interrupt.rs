//! Stopping in the database what a call began that nobody waits for any more.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use connector_api::{CallContext, OpenContext};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::call;
use crate::hosted::Configured;
use crate::instance::{Instance, Outcome};
use crate::reach::Reach;

/// What an interrupt has for a connection and one statement. Who gave up waits for it.
const LIMIT: Duration = Duration::from_secs(2);

/// A name for one call, unlike that of any other call of any runner.
pub(crate) fn token() -> String {
    static RUNNER: OnceLock<u64> = OnceLock::new();
    static CALLS: AtomicU64 = AtomicU64::new(0);
    // The standard library's hash keys are random in every process.
    let runner = RUNNER.get_or_init(|| RandomState::new().hash_one(std::process::id()));
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    format!("sl-{runner:016x}-{call:x}")
}

/// Starts an interrupt in a second instance. It goes on whether or not somebody waits for it, and is over in [`LIMIT`].
pub(crate) fn start(
    source: &Arc<Configured>,
    context: &OpenContext,
    token: String,
) -> Option<JoinHandle<()>> {
    // Without a runtime, the process is about to end.
    let runtime = Handle::try_current().ok()?;
    let (source, context) = (Arc::clone(source), context.clone());
    Some(runtime.spawn(async move { within(&source, context, &token).await }))
}

async fn within(source: &Configured, context: OpenContext, token: &str) {
    let connector = &*source.hosted.name;
    let outcome = timeout(LIMIT, interrupt(source, context, token)).await;
    let problem = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(failure)) => call::unmade(failure, &source.hosted).loggable(),
        Err(_) => format!("it took longer than {} s", LIMIT.as_secs()),
    };
    tracing::warn!(
        target: "semilayer::connector",
        connector,
        "a call that was given up may go on in the database: it could not be interrupted: {problem}"
    );
}

async fn interrupt(source: &Configured, context: OpenContext, token: &str) -> Outcome<()> {
    let Some((_turn, place)) = source.hosted.interrupt_place().await else { return Ok(()) };
    let bounds = CallContext::within(LIMIT);
    let context = OpenContext { call: bounds.clone(), ..context };
    let reach = Reach::new(Arc::clone(&source.grant), source.hosted.voice.clone(), &context);
    let mut instance = Instance::new(&source.hosted, reach, place).await?;
    instance.begin(&bounds);
    let outcome = instance.interrupt(&source.config, token).await;
    instance.settle();
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_letters_digits_and_hyphens_and_never_the_same() {
        let (one, other) = (token(), token());
        assert_ne!(one, other);
        assert!(one.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{one}");
    }
}
