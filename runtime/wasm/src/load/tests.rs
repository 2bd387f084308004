//! A folder with the plain guest, as it comes, changes and goes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use test_servers::guest;
use tokio::sync::mpsc;

use super::*;
use crate::module::{Digest, ModulePolicy};

fn plain() -> Vec<u8> {
    fs::read(guest("plain").unwrap()).unwrap()
}

/// The same module with another digest: a custom section of no meaning at its end.
fn plain_again(name: u8) -> Vec<u8> {
    let mut bytes = plain();
    bytes.extend([0, 2, 1, name]);
    bytes
}

fn settings(folder: &Path) -> LoadSettings {
    LoadSettings {
        folder: Some(folder.to_owned()),
        cache: Some(folder.join("cache")),
        entries: Entries::default(),
        claims: vec![Claim { name: "mysql".to_owned(), owner: "the built-in driver".to_owned() }],
        compiler: Compiler::Here,
    }
}

/// An entry that pins a file, or whichever file has its bridge name.
fn pinned(name: &str, file: Option<&str>, digest: Digest) -> Entries {
    let policy = ModulePolicy { sha256: Some(digest), ..ModulePolicy::default() };
    let entry = ModuleEntry { file: file.map(PathBuf::from), policy };
    Entries::from(BTreeMap::from([(name.to_owned(), entry)]))
}

/// The module under another bridge name of as many characters.
fn other() -> Vec<u8> {
    let mut bytes = plain();
    let (from, to) = (b"bridge-plain", b"bridge-other");
    let places: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(!places.is_empty(), "the guest's manifest is written otherwise now");
    places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

/// A compiler that waits until there is the file `gate`.
struct Gate {
    folder: TempDir,
}

impl Gate {
    /// Compiles nothing but this.
    fn before(component: &[u8]) -> Gate {
        let folder = tempfile::tempdir().unwrap();
        let engine = wasmtime::Engine::new(&crate::engine_config()).unwrap();
        fs::write(folder.path().join("code"), engine.precompile_component(component).unwrap()).unwrap();
        Gate { folder }
    }

    fn compiler(&self) -> Compiler {
        let at = self.folder.path().display();
        let script = format!(
            "echo . >> {at}/started; while [ ! -e {at}/gate ]; do sleep 0.02; done; cat {at}/code; cat > /dev/null"
        );
        Compiler::Child { program: "/bin/sh".into(), arguments: vec!["-c".into(), script.into()] }
    }

    fn open(&self) {
        fs::write(self.folder.path().join("gate"), "").unwrap();
    }

    fn started(&self) -> usize {
        fs::read_to_string(self.folder.path().join("started")).map_or(0, |lines| lines.lines().count())
    }
}

async fn loaded(folder: &TempDir) -> Modules {
    Modules::load(settings(folder.path())).await
}

/// Codes of what is refused, and digests of what is served, by name.
fn standing(modules: &Modules) -> Vec<(String, Option<&'static str>, Option<Digest>)> {
    let of = |report: ModuleReport| {
        let refused = report.refused().map(|refused| refused.code());
        (report.name.clone(), refused, report.loaded().map(|loaded| loaded.module.digest))
    };
    modules.reports().into_iter().map(of).collect()
}

#[tokio::test]
async fn a_file_is_loaded_once_and_another_one_in_its_place_is_another_connector() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.wasm");
    fs::write(&path, plain()).unwrap();
    let modules = loaded(&folder).await;
    let first = modules.loaded();
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].connector.manifest().short_name(), "plain");
    assert!(!modules.refresh().await, "nothing has changed");
    // Written again, the same: the connector stays, and with it the sessions.
    fs::write(&path, plain()).unwrap();
    assert!(!modules.refresh().await);
    assert!(Arc::ptr_eq(&modules.loaded()[0], &first[0]));

    fs::write(&path, plain_again(b'a')).unwrap();
    assert!(modules.refresh().await);
    let second = modules.loaded();
    assert!(!Arc::ptr_eq(&second[0].connector, &first[0].connector));
    assert_eq!(second[0].module.digest, Digest::of(&plain_again(b'a')));

    for broken in [&b"x"[..], &plain()[..1_000]] {
        fs::write(&path, broken).unwrap();
        assert!(!modules.refresh().await);
        assert!(Arc::ptr_eq(&modules.loaded()[0], &second[0]), "the old one stays");
        assert!(matches!(modules.reports()[0].standing, Standing::Outdated { .. }));
    }
    fs::remove_file(&path).unwrap();
    assert!(modules.refresh().await);
    assert!(modules.reports().is_empty());
}

#[tokio::test]
async fn what_the_operator_says_later_holds_for_what_is_loaded_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.wasm"), plain()).unwrap();
    let modules = loaded(&folder).await;
    let entries = |digest| pinned("plain", None, digest);
    let before = modules.loaded();
    let own = Digest::of(&plain());
    assert!(!modules.reconfigure(entries(own)), "nothing is withdrawn");
    assert!(modules.refresh().await, "another policy is another connector");
    assert!(!Arc::ptr_eq(&modules.loaded()[0], &before[0]));
    assert!(!modules.reconfigure(entries(own)) && !modules.refresh().await, "the same again");
    assert!(modules.reconfigure(entries(Digest::of(b"another"))));
    assert_eq!(standing(&modules), [("x".to_owned(), Some("digest"), None)], "withdrawn at once");
    assert!(!modules.refresh().await);
    assert!(!modules.reconfigure(Entries::default()));
    assert!(modules.refresh().await);
    assert_eq!(standing(&modules), [("x".to_owned(), None, Some(own))]);

    let unused = Entries::from(BTreeMap::from([("tape".to_owned(), ModuleEntry::default())]));
    modules.reconfigure(unused);
    assert!(!modules.refresh().await);
    assert!(modules.problems()[0].contains("[connectors.tape]"), "{:?}", modules.problems());
}

#[tokio::test]
async fn a_bridge_name_is_served_once_and_free_again_when_its_module_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("a.wasm"), plain()).unwrap();
    fs::write(file("b.wasm"), plain_again(b'b')).unwrap();
    let modules = loaded(&folder).await;
    let codes: Vec<_> = standing(&modules).into_iter().map(|(name, code, _)| (name, code)).collect();
    assert_eq!(codes, [("a".to_owned(), None), ("b".to_owned(), Some("name_taken"))]);
    fs::remove_file(file("a.wasm")).unwrap();
    assert!(modules.refresh().await);
    assert_eq!(standing(&modules), [("b".to_owned(), None, Some(Digest::of(&plain_again(b'b'))))]);

    let taken = LoadSettings {
        claims: vec![Claim { name: "plain".to_owned(), owner: "the built-in driver".to_owned() }],
        ..settings(folder.path())
    };
    let modules = Modules::load(taken).await;
    assert!(modules.loaded().is_empty());
    assert!(modules.reports()[0].refused().unwrap().to_string().contains("the built-in driver"));
}

#[tokio::test]
async fn machine_code_is_taken_from_the_cache_and_without_one_made_each_time() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plain.wasm"), plain()).unwrap();
    assert_eq!(loaded(&folder).await.loaded().len(), 1);
    let cached: Vec<PathBuf> = fs::read_dir(folder.path().join("cache/modules"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(cached.len(), 1);
    // With a compiler that cannot work, only the cache is left.
    let broken = Compiler::Child { program: "/nonexistent".into(), arguments: Vec::new() };
    let only_cache = LoadSettings { compiler: broken, ..settings(folder.path()) };
    assert_eq!(Modules::load(only_cache.clone()).await.loaded().len(), 1);
    let without = Modules::load(LoadSettings { cache: None, ..only_cache.clone() }).await;
    assert_eq!(standing(&without)[0].1, Some("compile"));
    // Damaged code is noticed; then it has to be made again.
    fs::write(&cached[0], b"damaged").unwrap();
    assert_eq!(standing(&Modules::load(only_cache).await)[0].1, Some("compile"));
    assert_eq!(loaded(&folder).await.loaded().len(), 1);
}

#[tokio::test]
async fn a_watched_folder_tells_of_what_was_copied_renamed_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let modules = loaded(&folder).await;
    assert!(modules.loaded().is_empty());
    let (tell, mut told) = mpsc::channel(16);
    let _watch = modules.watch(move |modules| tell.try_send(modules.loaded().len()).unwrap());
    let mut next =
        async || tokio::time::timeout(Duration::from_secs(20), told.recv()).await.expect("nothing is told");
    let path = folder.path().join("plain.wasm");
    fs::write(&path, plain()).unwrap();
    assert_eq!(next().await, Some(1));
    let beside = folder.path().join(".plain.part");
    fs::write(&beside, plain_again(b'c')).unwrap();
    fs::rename(&beside, &path).unwrap();
    assert_eq!(next().await, Some(1));
    assert_eq!(modules.loaded()[0].module.digest, Digest::of(&plain_again(b'c')));
    fs::remove_file(&path).unwrap();
    assert_eq!(next().await, Some(0));
}

#[tokio::test]
async fn one_file_is_examined_and_loaded_for_itself() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.wasm");
    fs::write(&path, plain()).unwrap();
    let settings = settings(folder.path());
    assert_eq!(examine_file(&settings, &path).await.unwrap().bridge(), "@semilayer/bridge-plain");
    assert_eq!(load_file(&settings, &path).await.unwrap().module.path, path);
    let absent = load_file(&settings, &folder.path().join("absent.wasm")).await.unwrap_err();
    assert_eq!(absent.code(), "unreadable");
}

#[tokio::test]
async fn a_start_waits_for_no_compiler_and_neither_does_what_the_operator_takes_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("plain.wasm"), plain()).unwrap();
    assert_eq!(loaded(&folder).await.loaded().len(), 1, "compiled before");
    fs::write(file("other.wasm"), other()).unwrap();
    let gate = Gate::before(&other());
    let gated = LoadSettings { compiler: gate.compiler(), ..settings(folder.path()) };
    let modules = Modules::open(gated).await;
    let own = Digest::of(&plain());
    assert_eq!(standing(&modules), [("plain".to_owned(), None, Some(own))], "the other is being compiled");
    assert!(modules.problems().is_empty(), "{:?}", modules.problems());

    let (tell, mut told) = mpsc::channel(16);
    let _watch = modules.watch(move |modules| tell.try_send(modules.loaded().len()).unwrap());
    let mut next =
        async || tokio::time::timeout(Duration::from_secs(20), told.recv()).await.expect("nothing is told");
    assert!(modules.reconfigure(pinned("plain", None, Digest::of(b"another"))));
    assert_eq!(standing(&modules), [("plain".to_owned(), Some("digest"), None)]);
    assert_eq!(next().await, Some(0), "and whoever serves them hears of it");
    // The watch goes on meanwhile, too.
    modules.reconfigure(Entries::default());
    assert_eq!(next().await, Some(1));
    gate.open();
    assert_eq!(next().await, Some(2));
    assert_eq!(gate.started(), 1, "what the operator said of others did not begin it anew");
}

#[tokio::test]
async fn what_is_compiled_under_an_older_configuration_is_not_served_under_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.wasm"), other()).unwrap();
    let gate = Gate::before(&other());
    let modules = Modules::open(LoadSettings { compiler: gate.compiler(), ..settings(folder.path()) }).await;
    assert!(modules.reports().is_empty());
    assert!(!modules.reconfigure(pinned("other", None, Digest::of(b"another"))));
    gate.open();
    assert!(!modules.refresh().await);
    assert_eq!(standing(&modules), [("other".to_owned(), Some("digest"), None)]);
}

#[tokio::test]
async fn a_pinned_file_goes_before_others_that_claim_its_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wasm"), plain_again(b'a')).unwrap();
    fs::write(folder.path().join("b.wasm"), plain()).unwrap();
    let own = Digest::of(&plain());
    // The entry is called otherwise, so that it guards the file and not the name.
    let entries = pinned("acme", Some("b.wasm"), own);
    let at_start = LoadSettings { entries: entries.clone(), ..settings(folder.path()) };
    let expected = [("a".to_owned(), Some("name_taken"), None), ("acme".to_owned(), None, Some(own))];
    assert_eq!(standing(&Modules::load(at_start).await), expected);

    let modules = loaded(&folder).await;
    assert_eq!(standing(&modules)[0].2, Some(Digest::of(&plain_again(b'a'))), "the first by name");
    modules.reconfigure(entries);
    assert!(modules.refresh().await);
    assert_eq!(standing(&modules), expected, "and in the place of one that serves");
}

#[tokio::test]
async fn where_pins_are_required_nothing_else_is_served() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.wasm"), plain()).unwrap();
    let modules = loaded(&folder).await;
    assert!(modules.reconfigure(Entries { require_pins: true, ..Entries::default() }), "withdrawn");
    assert_eq!(standing(&modules), [("x".to_owned(), Some("unpinned"), None)]);
    modules.refresh().await;
    let refused = modules.reports()[0].refused().unwrap().to_string();
    assert!(refused.contains(&Digest::of(&plain()).to_string()), "{refused}");
    let own = Digest::of(&plain());
    modules.reconfigure(Entries { require_pins: true, ..pinned("plain", None, own) });
    assert!(modules.refresh().await);
    assert_eq!(standing(&modules), [("x".to_owned(), None, Some(own))]);
}

#[tokio::test]
async fn of_another_file_than_the_pinned_one_nothing_is_parsed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.wasm"), b"anything at all").unwrap();
    let entries = pinned("x", Some("x.wasm"), Digest::of(b"another"));
    let modules = Modules::load(LoadSettings { entries, ..settings(folder.path()) }).await;
    assert_eq!(standing(&modules), [("x".to_owned(), Some("digest"), None)]);
}

#[tokio::test]
async fn a_file_whose_name_is_taken_is_not_read_again_at_every_look() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.wasm"), plain()).unwrap();
    let second = folder.path().join("b.wasm");
    fs::write(&second, plain_again(b'b')).unwrap();
    let modules = loaded(&folder).await;
    let found = || modules::lock(&modules.0.state).files.0[&second].found.clone().unwrap();
    let before = found();
    assert!(!modules.refresh().await);
    assert!(Arc::ptr_eq(&before, &found()));
}

#[tokio::test]
async fn a_folder_that_the_operator_names_later_is_watched_too() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let modules = loaded(&folder).await;
    let (tell, mut told) = mpsc::channel(16);
    let _watch = modules.watch(move |modules| tell.try_send(modules.loaded().len()).unwrap());
    let path = elsewhere.path().join("far.wasm");
    let entry = ModuleEntry { file: Some(path.clone()), policy: ModulePolicy::default() };
    modules.reconfigure(Entries::from(BTreeMap::from([("far".to_owned(), entry)])));
    while standing(&modules).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(standing(&modules)[0].1, Some("unreadable"));
    fs::write(&path, plain()).unwrap();
    let served = tokio::time::timeout(Duration::from_secs(20), told.recv());
    assert_eq!(served.await.expect("nothing is told"), Some(1));
}
