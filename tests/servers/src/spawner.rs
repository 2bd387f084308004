//! The thread that starts every process.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};

/// Requests waiting to be served; a spawn takes a millisecond.
const QUEUE: usize = 16;

type Request = (Command, Sender<io::Result<Child>>);

/// Starts a process from a thread that never ends.
///
/// The kernel's parent-death signal is sent when the *thread* that forked ends (prctl(2),
/// `PR_SET_PDEATHSIG`), and threads of a test or of an async runtime end at any time.
pub(crate) fn spawn(command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Option<SyncSender<Request>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(start);
    let gone = || io::Error::other("the thread that starts processes is not running");
    let (reply, answer) = channel();
    spawner.as_ref().ok_or_else(gone)?.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

fn start() -> Option<SyncSender<Request>> {
    let (requests, queue) = sync_channel::<Request>(QUEUE);
    let serve = move || {
        for (mut command, reply) in queue {
            // Whoever asked has gone: then nobody will end the process either.
            if let Err(unclaimed) = reply.send(command.spawn())
                && let Ok(mut child) = unclaimed.0
            {
                let _killed = child.kill();
                let _reaped = child.wait();
            }
        }
    };
    std::thread::Builder::new().name("spawner".to_owned()).spawn(serve).ok()?;
    Some(requests)
}
