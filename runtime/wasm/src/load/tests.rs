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
    let entries = |policy: ModulePolicy| {
        Entries(BTreeMap::from([("plain".to_owned(), ModuleEntry { file: None, policy })]))
    };
    let pinned = |digest| ModulePolicy { sha256: Some(digest), ..ModulePolicy::default() };
    let before = modules.loaded();
    assert!(
        modules.reconfigure(entries(pinned(Digest::of(&plain())))).await,
        "another policy is another connector"
    );
    assert!(!Arc::ptr_eq(&modules.loaded()[0], &before[0]));
    assert!(!modules.reconfigure(entries(pinned(Digest::of(&plain())))).await, "the same again");
    assert!(modules.reconfigure(entries(pinned(Digest::of(b"another")))).await);
    assert_eq!(standing(&modules), [("x".to_owned(), Some("digest"), None)], "withdrawn");
    assert!(modules.reconfigure(Entries::default()).await);
    assert_eq!(standing(&modules), [("x".to_owned(), None, Some(Digest::of(&plain())))]);

    let unused = Entries(BTreeMap::from([("tape".to_owned(), ModuleEntry::default())]));
    assert!(!modules.reconfigure(unused).await);
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
