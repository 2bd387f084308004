//! How many rows and bytes of a job may leave.

use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::Request;

use super::record::Left;
use super::rules::{Policy, Set};

/// The bounds of one job. A chunk that goes beyond one is not sent, nor is anything behind it.
#[derive(Debug, Default)]
pub(crate) struct Limit<'p> {
    rows: Option<&'p Set<u64>>,
    bytes: Option<&'p Set<u64>>,
}

impl<'p> Limit<'p> {
    /// The bounds of a request. The entries of a catalogue are no rows; their bytes count.
    pub(crate) fn new(policy: &'p Policy, request: &Request) -> Self {
        let is_catalogue = matches!(request, Request::ListTargets | Request::Introspect(_));
        Limit { rows: policy.max_rows.as_ref().filter(|_| !is_catalogue), bytes: policy.max_bytes.as_ref() }
    }

    /// Whether a chunk of so many rows and bytes may follow what has left.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` naming the setting.
    pub(crate) fn allow(&self, left: &Left, rows: u64, bytes: u64) -> Result<()> {
        let (rows_left, bytes_left) = left.so_far();
        within(self.rows, rows_left.saturating_add(rows), "rows", "limitRows")?;
        within(self.bytes, bytes_left.saturating_add(bytes), "bytes", "limitBytes")
    }
}

fn within(bound: Option<&Set<u64>>, count: u64, unit: &str, detail: &str) -> Result<()> {
    match bound {
        Some(Set { value: most, setting }) if count > *most => {
            let message = format!(
                "the result has more than the {most} {unit} that {setting} on this runner allows; ask for less of it, \
                 such as with `limit` or fewer columns"
            );
            Err(Error::new(ErrorCode::ResultTooLarge, message)
                .with(detail, *most)
                .with("setting", &**setting))
        }
        _ => Ok(()),
    }
}
