//! A hostile and an honest module in one host, and what has to be true of the process in the end.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use connector_api::{CallContext, OpenContext, PathRules, Session};
use connector_host::ModulePolicy;
use connector_host::load::{Compiler, Entries, LoadSettings, LoadedModule, ModuleEntry, Modules};
use connector_model::config::Origin;
use connector_model::{Config, Result};
use dial::{AddressFilter, Dialer, Roots};
use tempfile::TempDir;

use crate::honest::Honest;

/// How long a hostile guest may compute in one call: a fifth of what it has by default, so that tests end, and enough to do
/// its worst on a machine that does other things too.
const RUNNING: Duration = Duration::from_secs(2);

/// What the process may grow by while a guest misbehaves, beyond what guests may have of memory: buffers, machine code, what
/// a call hands over.
const GROWTH_KIB: u64 = 160 * 1024;

/// The most memory of a hostile instance, in bytes.
pub(crate) const MEMORY: u64 = 64 << 20;

/// Longer than anything here takes when the host holds.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Two modules, one of them with a job after the other.
pub(crate) struct Beside {
    pub(crate) modules: Modules,
    /// Where their files are.
    pub(crate) folder: TempDir,
    honest: Honest,
    /// What the process had in memory before anything happened.
    before: u64,
}

impl Beside {
    /// Loads both and lets the honest one work.
    pub(crate) async fn begin() -> Beside {
        Self::allowing(ModulePolicy::default()).await
    }

    /// The same where the operator says this of the hostile one; memory and running time are the tests' own.
    pub(crate) async fn allowing(policy: ModulePolicy) -> Beside {
        let folder = TempDir::new().unwrap();
        for name in ["hostile", "plain"] {
            let built = test_servers::guest(name).unwrap();
            fs::copy(built, folder.path().join(format!("{name}.wasm"))).unwrap();
        }
        let policy = ModulePolicy { memory: MEMORY, running: RUNNING, ..policy };
        let modules = Modules::load(settings(&folder, policy)).await;
        assert_eq!(modules.loaded().len(), 2, "{:?}", modules.reports());
        let honest = Honest::begin(loaded(&modules, "plain")).await;
        Beside { modules, folder, honest, before: resident() }
    }

    /// The hostile module.
    pub(crate) fn hostile(&self) -> Arc<LoadedModule> {
        loaded(&self.modules, "hostile")
    }

    /// Opens a session of the hostile module.
    pub(crate) async fn open(&self, settings: &[(&str, &str)]) -> Result<Box<dyn Session>> {
        open(&self.hostile(), Origin::Local, settings, &context(LONG)).await
    }

    /// A session of the hostile module that is known to open.
    pub(crate) async fn session(&self) -> Box<dyn Session> {
        self.open(&[]).await.unwrap()
    }

    /// Where a file of the folder lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Nothing happened to anybody else: the honest module answered all the time, the hostile one still opens sessions, and
    /// the process is about as large as it was.
    pub(crate) async fn end(self) {
        let mut session = self.session().await;
        crate::asked::peaceful(session.as_mut()).await;
        drop(session);
        self.unharmed().await;
    }

    /// The same where the hostile module may be gone.
    pub(crate) async fn unharmed(self) {
        self.honest.end().await;
        let most = self.before + (MEMORY >> 10) + GROWTH_KIB;
        let peak = status("VmHWM:");
        assert!(peak <= most, "the process grew from {} KiB to {peak} KiB, {most} KiB are sane", self.before);
    }
}

fn settings(folder: &TempDir, policy: ModulePolicy) -> LoadSettings {
    let entry = ModuleEntry { file: None, policy };
    LoadSettings {
        folder: Some(folder.path().to_owned()),
        // Compiled once for all tests.
        cache: Some(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("compiled")),
        entries: Entries::from(BTreeMap::from([("hostile".to_owned(), entry)])),
        claims: Vec::new(),
        compiler: Compiler::Here,
    }
}

/// The module that the file of that name is.
pub(crate) fn loaded(modules: &Modules, name: &str) -> Arc<LoadedModule> {
    let reports = modules.reports();
    let report =
        reports.iter().find(|report| report.name == name).unwrap_or_else(|| panic!("no {name}: {reports:?}"));
    Arc::clone(report.loaded().unwrap_or_else(|| panic!("{report:?}")))
}

/// Opens a session of a module with these settings.
pub(crate) async fn open(
    loaded: &LoadedModule,
    origin: Origin,
    settings: &[(&str, &str)],
    context: &OpenContext,
) -> Result<Box<dyn Session>> {
    let config = Config::from_texts(loaded.connector.manifest(), origin, settings.iter().copied())?;
    loaded.connector.source(config)?.open(context).await
}

/// What an open is given; over after `limit`.
pub(crate) fn context(limit: Duration) -> OpenContext {
    OpenContext {
        dialer: Dialer::new(Roots::load(&[]).unwrap()),
        filter: AddressFilter::unrestricted(),
        paths: PathRules::Unrestricted,
        application: "semilayer-runner/test".into(),
        call: CallContext::within(limit),
        observer: None,
    }
}

/// What the process has in memory, in KiB.
fn resident() -> u64 {
    status("VmRSS:")
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
