//! The end of a log.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::{DiagError, STANDARD};

/// What stands in the place of a log.
pub(super) const NONE: &str = "no log was given. The runner writes its log to standard output and keeps none of it: hand it in with\n  kubectl logs POD --tail=5000 | kubectl exec -i POD -- semilayer-runner diag --logs - --out - > bundle.tar.gz\n  docker logs RUNNER 2>&1 | docker exec -i RUNNER semilayer-runner diag --logs - --out - > bundle.tar.gz\n  journalctl -u semilayer-runner -n 5000 -o cat | semilayer-runner diag --logs -\n";

/// As much of a log as goes into a bundle.
const KEPT_BYTES: usize = 4 * 1024 * 1024;
/// As much of it as is read: a pipe that never ends must not hold the command for ever.
const READ_BYTES: u64 = 1024 * 1024 * 1024;

/// The last lines of a file, or of standard input.
///
/// # Errors
/// [`DiagError::Logs`].
pub(super) fn end_of(path: &Path) -> Result<String, DiagError> {
    let failed = |error| DiagError::Logs { path: path.to_owned(), error };
    if path == Path::new(STANDARD) {
        return tail(io::stdin().lock()).map_err(failed);
    }
    File::open(path).and_then(tail).map_err(failed)
}

fn tail(from: impl Read) -> io::Result<String> {
    let mut from = from.take(READ_BYTES);
    let mut kept: VecDeque<u8> = VecDeque::new();
    let mut piece = vec![0; 64 * 1024];
    let mut cut = false;
    loop {
        let read = match from.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        kept.extend(piece.get(..read).unwrap_or_default());
        let over = kept.len().saturating_sub(KEPT_BYTES);
        cut |= over > 0;
        kept.drain(..over);
    }
    let bytes: Vec<u8> = kept.into();
    let whole_lines = match bytes.iter().position(|byte| *byte == b'\n') {
        // The first line is a part of one.
        Some(end) if cut => bytes.get(end + 1..).unwrap_or_default(),
        _ => &bytes,
    };
    let text = String::from_utf8_lossy(whole_lines);
    Ok(text.chars().map(|c| if c.is_control() && !"\n\t".contains(c) { ' ' } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_long_log_is_kept_and_it_begins_with_a_whole_line() {
        let line = "2024-01-01T00:00:00Z  INFO → done 1234 \u{1b}[2J\n";
        let long = line.repeat(KEPT_BYTES / line.len() + 1_000);
        let kept = tail(long.as_bytes()).unwrap();
        assert!(kept.len() <= KEPT_BYTES && kept.len() > KEPT_BYTES - line.len() - 1, "{}", kept.len());
        assert!(kept.starts_with("2024-01-01T00:00:00Z  INFO → done 1234  [2J\n"), "{:?}", kept.get(..60));
        assert_eq!(tail("one".as_bytes()).unwrap(), "one");
        assert_eq!(tail(&b""[..]).unwrap(), "");
    }
}
