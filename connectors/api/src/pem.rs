//! Certificates and keys that a configuration gives, as text or as the path of a file.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use connector_model::error::{Error, Result};

use crate::paths::PathRules;

/// The longest file that is read: a bundle of every public authority has a quarter of it.
const MAX_BYTES: u64 = 1024 * 1024;

/// The PEM text of a setting, or the content of the file that it names.
///
/// # Errors
/// `POLICY_DENIED` for a path that the source may not open; `SOURCE_NOT_CONFIGURED` naming the setting when there is
/// no such file, or none that could be PEM text.
pub async fn read_pem(setting: &str, value: &str, paths: &PathRules) -> Result<Vec<u8>> {
    if value.trim_start().starts_with("-----BEGIN") {
        return Ok(value.as_bytes().to_vec());
    }
    let (setting, path, paths) = (setting.to_owned(), value.to_owned(), paths.clone());
    // A file on a network may take its time.
    let reading = tokio::task::spawn_blocking(move || read_file(&setting, Path::new(&path), &paths));
    reading.await.map_err(|_| Error::internal("reading a PEM file was given up"))?
}

fn read_file(setting: &str, path: &Path, paths: &PathRules) -> Result<Vec<u8>> {
    let path = paths.check(path)?;
    let unreadable = |error| Error::config(setting, format_args!("cannot read its file: {error}"));
    // Opening a named pipe would wait for somebody to write to it.
    if !std::fs::metadata(&path).map_err(unreadable)?.is_file() {
        return Err(Error::config(setting, "names a path that is no file"));
    }
    let mut content = Vec::new();
    let file = File::open(&path).map_err(unreadable)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > MAX_BYTES {
        let problem =
            format_args!("names a file of more than {} KiB, which is no PEM file", MAX_BYTES / 1024);
        return Err(Error::config(setting, problem));
    }
    Ok(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::error::ErrorCode;

    #[tokio::test]
    async fn text_is_taken_and_files_are_read_as_far_as_rules_and_sense_allow() {
        let any = PathRules::Unrestricted;
        let text = "\n-----BEGIN CERTIFICATE-----\n";
        assert_eq!(read_pem("sslrootcert", text, &any).await.unwrap(), text.as_bytes());
        let folder = std::env::temp_dir().join(format!("pem-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let written = |name: &str, bytes: usize| {
            let path = folder.join(name);
            std::fs::write(&path, vec![b'-'; bytes]).unwrap();
            path.display().to_string()
        };
        let (longest, too_long) = (written("a.pem", 1024 * 1024), written("b.pem", 1024 * 1024 + 1));
        assert_eq!(read_pem("sslkey", &longest, &any).await.unwrap().len(), 1024 * 1024);
        for (value, problem) in [
            (too_long.as_str(), "more than 1024 KiB"),
            (folder.to_str().unwrap(), "no file"),
            ("/dev/zero", "no file"),
            ("/nowhere/at/all.pem", "cannot read"),
        ] {
            let error = read_pem("sslkey", value, &any).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::SourceNotConfigured);
            assert!(error.message().contains("`sslkey`") && error.message().contains(problem), "{error}");
        }
        let refused = read_pem("sslkey", &longest, &PathRules::only([]).unwrap()).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::PolicyDenied);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
