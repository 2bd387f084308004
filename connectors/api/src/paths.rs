//! Which files and Unix sockets a source may open.

use std::path::{Component, Path, PathBuf};

use connector_model::error::{Error, ErrorCode, Result};
use glob::{MatchOptions, Pattern};

/// The setting that lets a managed config name a file.
pub const ALLOW_FILES: &str =
    "SEMILAYER_MANAGED_ALLOW_FILES (or [managed] allow_files in the configuration file)";

/// The rules for one source. A configuration written on this machine may name any file; one that the gateway sent
/// may name only what the operator allowed.
#[derive(Debug, Clone)]
pub enum PathRules {
    /// Any path.
    Unrestricted,
    /// Only paths that match one of these; none at all when the list is empty.
    Only(Vec<Pattern>),
}

impl PathRules {
    /// Rules from glob patterns: `*` stays within one folder, `**` does not.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the pattern that cannot be read.
    pub fn only<'p>(patterns: impl IntoIterator<Item = &'p str>) -> Result<PathRules> {
        let read = |text: &str| {
            Pattern::new(text)
                .map_err(|error| Error::config("managed.allow_files", format_args!("\"{text}\": {error}")))
        };
        patterns.into_iter().map(read).collect::<Result<_>>().map(PathRules::Only)
    }

    /// Checks a path that a configuration names, and returns the one to open: symbolic links resolved, so that what
    /// was checked is what is opened.
    ///
    /// # Errors
    /// `POLICY_DENIED` naming the path and the setting that would allow it.
    pub fn check(&self, path: &Path) -> Result<PathBuf> {
        let PathRules::Only(patterns) = self else { return Ok(path.to_owned()) };
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        let allowed = |path: &Path| patterns.iter().any(|pattern| pattern.matches_path_with(path, options));
        let real = std::fs::canonicalize(path).ok();
        let climbs = path.components().any(|part| part == Component::ParentDir);
        match real {
            Some(real) if allowed(&real) => Ok(real),
            // Whether a path outside the rules exists is not the gateway's to know.
            None if !climbs && allowed(path) => Ok(path.to_owned()),
            _ => Err(Error::new(
                ErrorCode::PolicyDenied,
                format!(
                    "a managed configuration may not open \"{}\"; to allow it, the runner's operator names it in {ALLOW_FILES}",
                    path.display()
                ),
            )
            .with("rule", "managed.allow_files")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_is_refused_with_the_setting_that_would_allow_it() {
        let rules = PathRules::only(["/var/data/*.db"]).unwrap();
        assert!(rules.check(Path::new("/var/data/a.db")).is_ok());
        for path in ["/etc/passwd", "/var/data/sub/a.db", "/var/data/../../etc/x.db", "a.db"] {
            let error = rules.check(Path::new(path)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::PolicyDenied);
            assert!(error.message().contains("SEMILAYER_MANAGED_ALLOW_FILES"));
        }
        assert!(PathRules::only([]).unwrap().check(Path::new("/x")).is_err());
        assert!(PathRules::Unrestricted.check(Path::new("/x")).is_ok());
        assert!(PathRules::only(["[a"]).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_allowed_folder_is_followed_before_it_is_judged() {
        let folder = std::env::temp_dir().join(format!("paths-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let link = folder.join("link.db");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
        let pattern = format!("{}/*.db", std::fs::canonicalize(&folder).unwrap().display());
        assert!(PathRules::only([pattern.as_str()]).unwrap().check(&link).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
