//! A runner's process and its socket.

use std::ffi::OsString;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use test_servers::{Exit, Launch, Process};

use crate::gateway::{Gateway, Session, small};
use crate::world::{Mounted, Route, Source, World};

/// Small jobs that open a pool's sessions and prepare their statements before anything is measured.
const WARM_UP_JOBS: u64 = 2_000;
/// Jobs at once that use every session of a pool.
const WARM_UP_AT_ONCE: usize = 64;

/// Longer than compiling all modules takes, one processor to itself.
const COMPILING: Duration = Duration::from_secs(300);

/// A running, connected runner. It ends when dropped.
pub(crate) struct Runner {
    /// The process.
    pub(crate) process: Process,
    /// Its session, from the gateway's end.
    pub(crate) session: Session,
    /// From starting the process to its `hello`.
    pub(crate) hello_after: Duration,
}

impl Runner {
    /// Starts a runner with both sources and waits until it serves.
    ///
    /// # Errors
    /// When it does not start or connect.
    pub(crate) async fn start(world: &World) -> Result<Runner> {
        Runner::start_logging(world, None).await
    }

    /// The same with another log filter than the program's own.
    ///
    /// # Errors
    /// When it does not start or connect.
    pub(crate) async fn start_logging(world: &World, filter: Option<&str>) -> Result<Runner> {
        let sources = Route::ALL.map(|route| (Source::from(route), world.url(route)));
        let filter = filter.map(|filter| ("SEMILAYER_LOG", filter.into()));
        Runner::start_with(world, &sources, filter.as_slice()).await
    }

    /// Starts a runner that has connector modules beside its drivers.
    ///
    /// # Errors
    /// When it does not start or connect.
    pub(crate) async fn start_mounted(world: &World, mounted: &Mounted) -> Result<Runner> {
        let sources = Route::ALL.map(|route| (Source::from(route), world.url(route)));
        Runner::start_with(world, &sources, &mounted.variables().map(|(name, path)| (name, path.into())))
            .await
    }

    /// Compiles the modules, as a runner does beside its work when it has not before, and says how long that took.
    ///
    /// # Errors
    /// When one of them is refused.
    pub(crate) async fn compile(world: &World, mounted: &Mounted) -> Result<Duration> {
        let launch = Launch::new(&world.programs.runner).arg("connectors").arg("list");
        let launch =
            mounted.variables().into_iter().fold(launch, |launch, (name, path)| launch.env(name, path));
        let started = Instant::now();
        let exit = Process::start(&launch)?.wait(COMPILING).await?;
        ensure!(exit == Exit::Code(0), "connectors list ends with {exit:?}");
        Ok(started.elapsed())
    }

    /// Starts a runner with these sources, each with its URL, and waits until it serves.
    ///
    /// # Errors
    /// When it does not start or connect.
    pub(crate) async fn start_serving(world: &World, sources: &[(Source, String)]) -> Result<Runner> {
        Runner::start_with(world, sources, &[]).await
    }

    async fn start_with(
        world: &World,
        sources: &[(Source, String)],
        variables: &[(&str, OsString)],
    ) -> Result<Runner> {
        let gateway = Gateway::listen().await?;
        let launch = sources.iter().fold(
            Launch::new(&world.programs.runner)
                .arg("start")
                .env("SEMILAYER_RUNNER_ID", "bench")
                .env("SEMILAYER_RUNNER_TOKEN", "rk_bench")
                .env("SEMILAYER_GATEWAY_URL", gateway.url()),
            |launch, (source, url)| {
                let name = source.name().to_ascii_uppercase();
                launch.env(format!("SEMILAYER_SOURCE_{name}_URL"), url)
            },
        );
        let launch = variables.iter().fold(launch, |launch, (name, value)| launch.env(name, value));
        let started = Instant::now();
        let process = Process::start(&launch)?;
        let greeted = gateway.greeted(&process).await?;
        let hello_after = started.elapsed();
        let session =
            greeted.acknowledge(&sources.iter().map(|(source, _)| *source).collect::<Vec<_>>()).await?;
        Ok(Runner { process, session, hello_after })
    }

    /// The same, with every session of both pools open and its statements prepared.
    ///
    /// # Errors
    /// When it does not start, connect or answer.
    pub(crate) async fn start_warm(world: &World) -> Result<Runner> {
        let mut runner = Runner::start(world).await?;
        runner.warm_up(world).await?;
        Ok(runner)
    }

    /// Opens every session of both pools and prepares its statements.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn warm_up(&mut self, world: &World) -> Result<()> {
        for route in Route::ALL {
            small::jobs(
                &mut self.session,
                world.plan.rows,
                route,
                WARM_UP_AT_ONCE,
                small::Until::Jobs(WARM_UP_JOBS),
            )
            .await?;
        }
        Ok(())
    }
}
