//! Floors that want threads of their own, as the runner has.

use std::future::Future;

use anyhow::{Context, Result};
use tokio::sync::oneshot;

/// Runs a future on a runtime of its own with as many threads, beside this one's. When the answer is no longer
/// waited for, the future is dropped.
///
/// # Errors
/// The future's own; when its thread cannot be started.
pub(crate) fn apart<T, F>(
    threads: usize,
    make: impl FnOnce() -> F + Send + 'static,
) -> Result<impl Future<Output = Result<T>>>
where
    T: Send + 'static,
    F: Future<Output = Result<T>>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let (mut answer, answered) = oneshot::channel();
    let work = move || {
        let outcome = runtime.block_on(async {
            tokio::select! {
                outcome = make() => Some(outcome),
                () = answer.closed() => None,
            }
        });
        if let Some(outcome) = outcome {
            // Whoever asked may have gone in this very moment.
            let _unclaimed = answer.send(outcome);
        }
    };
    std::thread::Builder::new().name("apart".to_owned()).spawn(work).context("starting a thread")?;
    Ok(async { answered.await.context("a floor's thread ended without an answer")? })
}
