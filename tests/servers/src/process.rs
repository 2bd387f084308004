//! A running program: what it prints, what it uses, how it ends.

use std::fmt;
use std::process::Child;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::launch::Launch;
use crate::output::{Line, Origin, Output};
use crate::{proc, spawner};

/// A program started from a [`Launch`]. Dropping it kills the program and everything below it.
pub struct Process {
    name: String,
    child: Child,
    pid: Pid,
    output: Arc<Output>,
    exit: watch::Receiver<Option<Exit>>,
    /// The same news for `Drop`, which cannot await.
    ended: Mutex<Receiver<()>>,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(launch: &Launch) -> Result<Self> {
        let name = launch.program().display().to_string();
        let mut child = spawner::spawn(launch.command()?).with_context(|| format!("starting {name}"))?;
        let pid = Pid::from_child(&child);
        let output = Output::new();
        if let Some(pipe) = child.stdout.take() {
            output.collect(Origin::Stdout, pipe)?;
        }
        if let Some(pipe) = child.stderr.take() {
            output.collect(Origin::Stderr, pipe)?;
        }
        let (exit, ended) = watch_for_exit(pid)?;
        Ok(Self { name, child, pid, output, exit, ended: Mutex::new(ended) })
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> i32 {
        self.pid.as_raw_nonzero().get()
    }

    /// Everything printed so far, both pipes, in the order of arrival.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        self.output.lines()
    }

    /// The text printed so far to one pipe.
    #[must_use]
    pub fn text(&self, origin: Origin) -> String {
        self.lines()
            .iter()
            .filter(|line| line.origin == origin)
            .map(|line| format!("{}\n", line.text))
            .collect()
    }

    /// Waits for a line that contains `part`, printed before or after the call.
    ///
    /// # Errors
    /// When the time is over or the program ends without such a line; the error shows the last lines.
    pub async fn wait_for_line(&self, part: &str, limit: Duration) -> Result<String> {
        let found = timeout(limit, self.output.find(|line| line.text.contains(part))).await;
        match found {
            Ok(Some(line)) => Ok(line.text),
            Ok(None) => bail!("{} ended without printing {part:?}:\n{}", self.name, self.output.tail()),
            Err(_) => bail!("{} did not print {part:?} within {limit:?}:\n{}", self.name, self.output.tail()),
        }
    }

    /// Waits until the program has ended and all it printed has been read.
    ///
    /// # Errors
    /// When the time is over; the error shows the last lines.
    pub async fn wait(&self, limit: Duration) -> Result<Exit> {
        let mut exit = self.exit.clone();
        let ending = async {
            let exit = exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit);
            self.output.ended().await;
            exit
        };
        match timeout(limit, ending).await {
            Ok(Some(exit)) => Ok(exit),
            Ok(None) => bail!("nobody watches {} any more", self.name),
            Err(_) => bail!("{} did not end within {limit:?}:\n{}", self.name, self.output.tail()),
        }
    }

    /// How the program ended; `None` while it runs.
    #[must_use]
    pub fn exit(&self) -> Option<Exit> {
        *self.exit.borrow()
    }

    /// Sends a signal to the program alone.
    ///
    /// # Errors
    /// When it cannot be sent.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        if self.exit().is_some() {
            bail!("{} has ended: {:?}", self.name, self.exit());
        }
        kill_process(self.pid, signal).with_context(|| format!("signalling {}", self.name))
    }

    /// Sends a signal to the program and to everything below it.
    ///
    /// # Errors
    /// When it cannot be sent to the program itself.
    pub fn signal_all(&self, signal: Signal) -> Result<()> {
        let below = proc::descendants(self.pid);
        self.signal(signal)?;
        for pid in below {
            // It may have ended by itself since the list was made.
            let _gone = kill_process(pid, signal);
        }
        Ok(())
    }

    /// Kills the program as `kill -9` does, with everything below it, and waits until all of it is gone.
    ///
    /// # Errors
    /// When something survives.
    pub async fn kill9(&self) -> Result<()> {
        const LIMIT: Duration = Duration::from_secs(10);
        const STEP: Duration = Duration::from_millis(5);
        let below = proc::descendants(self.pid);
        if self.exit().is_none() {
            self.signal_all(Signal::KILL)?;
        }
        self.wait(LIMIT).await?;
        // Nobody reports the end of a process that is not one's own child: it can only be looked for.
        let gone = async {
            while below.iter().any(|pid| proc::is_running(*pid)) {
                tokio::time::sleep(STEP).await;
            }
        };
        timeout(LIMIT, gone).await.with_context(|| format!("something below {} survives SIGKILL", self.name))
    }

    /// Memory in use (`VmRSS`), in bytes.
    ///
    /// # Errors
    /// When the program has ended.
    pub fn resident_bytes(&self) -> Result<u64> {
        proc::memory(self.pid, "VmRSS")
    }

    /// The most memory that was ever in use (`VmHWM`), in bytes.
    ///
    /// # Errors
    /// When the program has ended.
    pub fn peak_resident_bytes(&self) -> Result<u64> {
        proc::memory(self.pid, "VmHWM")
    }

    /// Processor time used so far, user and kernel together, in steps of 10 ms.
    ///
    /// # Errors
    /// When the program has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        proc::cpu_time(self.pid)
    }

    /// Open file descriptors.
    ///
    /// # Errors
    /// When the program has ended.
    pub fn open_files(&self) -> Result<usize> {
        proc::open_files(self.pid)
    }

    /// Waits for the end without a runtime; whether it came within the time.
    pub(crate) fn wait_blocking(&self, limit: Duration) -> bool {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        self.exit().is_some() || ended.recv_timeout(limit).is_ok()
    }

    pub(crate) fn tail(&self) -> String {
        self.output.tail()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Until it is reaped below, the id belongs to this process and to no other.
        if self.exit().is_none() {
            let below = proc::descendants(self.pid);
            let _group = kill_process_group(self.pid, Signal::KILL);
            for pid in below {
                let _gone = kill_process(pid, Signal::KILL);
            }
        }
        let _reaped = self.child.wait();
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("name", &self.name)
            .field("pid", &self.id())
            .field("exit", &self.exit())
            .finish()
    }
}

/// Waits on a thread, and leaves the process to be reaped by its owner: so its id cannot be given to
/// another process while somebody may still send it a signal.
fn watch_for_exit(pid: Pid) -> Result<(watch::Receiver<Option<Exit>>, Receiver<()>)> {
    let (exits, exit) = watch::channel(None);
    let (tell, told) = sync_channel(1);
    let wait = move || {
        let status = loop {
            match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other.ok().flatten(),
            }
        };
        let ended = status.and_then(|status| match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Some(Exit::Code(code)),
            (None, signal) => signal.map(Exit::Signal),
        });
        exits.send_replace(ended);
        let _nobody = tell.try_send(());
    };
    std::thread::Builder::new().name("exit".to_owned()).spawn(wait).context("starting a thread")?;
    Ok((exit, told))
}
