//! Making a connection quiet whose work nobody wants any more.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_postgres::Client;

use crate::connect::CancelRoute;
use crate::error::is_cancelled;

/// How long the first cancel request is given before another is sent; each after it is given twice as long.
const AGAIN: Duration = Duration::from_millis(40);
/// How often a drain begins anew: once for each cancel request that may come late.
const DRAIN_TURNS: usize = 16;

/// Asks the server to stop and waits until everything that was sent on the connection has been answered; whether the
/// connection is usable then.
///
/// A request that meets the server between two statements stops neither, and a pooler may keep one waiting until the
/// session has a server again: so requests are repeated, beside each other, until the connection is quiet. None may
/// be left under way then, for it could hit the session's next statement.
pub(super) async fn quiet(client: &Client, cancel: &CancelRoute) -> bool {
    let mut drained = pin!(drain(client));
    let mut requests = FuturesUnordered::new();
    let mut pause = AGAIN;
    let clean = loop {
        requests.push(cancel.cancel());
        let mut wait = pin!(tokio::time::sleep(pause));
        pause *= 2;
        let finished = loop {
            tokio::select! {
                clean = &mut drained => break Some(clean),
                () = &mut wait => break None,
                Some(_) = requests.next() => {}
            }
        };
        if let Some(clean) = finished {
            break clean;
        }
    };
    while requests.next().await.is_some() {}
    clean
}

/// Waits until the connection answers behind everything else. A cancel request that comes late ends this instead of
/// what it was meant for, hence another turn.
async fn drain(client: &Client) -> bool {
    for _ in 0..DRAIN_TURNS {
        match client.batch_execute("ROLLBACK").await {
            Ok(()) => return true,
            Err(error) if is_cancelled(&error) => {}
            Err(_) => return false,
        }
    }
    false
}
