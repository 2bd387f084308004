//! Tells the program which commit and which target it was built for.

use std::env;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SEMILAYER_GIT_COMMIT");
    let given = env::var_os("SEMILAYER_GIT_COMMIT").and_then(|commit| commit.into_string().ok());
    let commit = given
        .filter(|commit| is_commit(commit))
        .or_else(|| checked_out(Path::new("../..")))
        .unwrap_or_default();
    let short = if commit.is_empty() { "unknown" } else { commit.get(..12).unwrap_or(&commit) };
    println!("cargo::rustc-env=SEMILAYER_COMMIT={short}");
    let target = env::var_os("TARGET").and_then(|target| target.into_string().ok());
    println!("cargo::rustc-env=SEMILAYER_TARGET={}", target.as_deref().unwrap_or("unknown"));
}

fn is_commit(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The commit that HEAD points to, read without git: builds run where git is not installed. None in a source archive.
fn checked_out(root: &Path) -> Option<String> {
    let dot_git = root.join(".git");
    // In a worktree it is a file that says where the folder is.
    let folder = match fs::read_to_string(&dot_git) {
        Ok(pointer) => root.join(pointer.strip_prefix("gitdir:")?.trim()),
        Err(_) => dot_git,
    };
    let head = read(&folder.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref:").map(str::trim) else {
        return is_commit(&head).then_some(head);
    };
    let shared = match read(&folder.join("commondir")) {
        Some(relative) => folder.join(relative),
        None => folder,
    };
    let loose = read(&shared.join(reference));
    loose.or_else(|| packed(&shared.join("packed-refs"), reference)).filter(|commit| is_commit(commit))
}

fn packed(path: &Path, reference: &str) -> Option<String> {
    let table = read(path)?;
    let entry = table.lines().find_map(|line| line.strip_suffix(reference)?.strip_suffix(' '))?;
    Some(entry.to_owned())
}

/// Reads a file, and has the build repeated when it changes.
fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    println!("cargo::rerun-if-changed={}", path.display());
    Some(text.trim().to_owned())
}
