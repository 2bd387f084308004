//! Making a connection quiet whose work nobody wants any more.

use crate::connect::StopRoute;
use crate::error::is_stopped;
use crate::wire::{Event, Failure, Wire};

use super::exchange::run;

/// How often a harmless statement is tried: the first may be the one that is stopped in place of what is over.
const TURNS: usize = 8;

/// Asks the server to stop and waits until everything that was sent on the connection has been answered; whether the
/// connection is usable then.
///
/// The request and the draining go side by side: a server that waits for its rows to be taken looks at no request.
/// The request is over when this returns, so that none can come late and hit the session's next statement; a mark that
/// it left on a connection which had just finished is used up here.
pub(super) async fn quiet(wire: &mut Wire, stop: &StopRoute) -> bool {
    if wire.is_quiet() {
        return end(wire).await;
    }
    let (_stopped, drained) = futures_util::future::join(stop.stop(), drain(wire)).await;
    drained.is_ok() && end(wire).await
}

/// Reads what is still due, and throws it away.
pub(super) async fn drain(wire: &mut Wire) -> Result<(), Failure> {
    while !wire.is_quiet() {
        if let Event::Prepared(prepared) = wire.step().await? {
            // Nobody knows of it any more.
            wire.close(prepared.statement);
        }
    }
    Ok(())
}

/// Ends whatever transaction is open.
async fn end(wire: &mut Wire) -> bool {
    for _ in 0..TURNS {
        match run(wire, "DO 0").await {
            Ok(()) => return run(wire, "ROLLBACK").await.is_ok(),
            Err(Failure::Refused(error)) if is_stopped(&error) => {}
            Err(_) => return false,
        }
    }
    false
}
