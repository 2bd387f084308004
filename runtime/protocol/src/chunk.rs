//! Part of a job's result: JSON that passes through without being parsed into values.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::number;

/// What follows the last row of a frame begun with [`chunk_prefix`] or [`aggregate_prefix`].
pub const CHUNK_SUFFIX: &[u8] = b"]}";

/// The bytes of a `chunk` frame up to its first row.
///
/// A sender writes these once into its buffer, then rows separated by commas, then [`CHUNK_SUFFIX`]: the
/// buffer is the frame.
#[must_use]
pub fn chunk_prefix(id: &str) -> Bytes {
    prefix(id, r#","rows":["#)
}

/// The bytes of a `chunk` frame of an aggregate up to its first group. Its rows are empty.
#[must_use]
pub fn aggregate_prefix(id: &str) -> Bytes {
    prefix(id, r#","rows":[],"agg":["#)
}

fn prefix(id: &str, list: &str) -> Bytes {
    let id = serde_json::Value::from(id).to_string();
    [r#"{"type":"chunk","id":"#, &id, list].concat().into()
}

/// JSON text that shares its memory with the frame it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Bytes);

impl RawJson {
    /// Takes `bytes`, which must be one JSON value.
    ///
    /// # Errors
    /// When it is not.
    pub fn parse(bytes: Bytes) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<&RawValue>(&bytes)?;
        Ok(Self(bytes))
    }

    /// An empty list.
    #[must_use]
    pub fn empty_list() -> Self {
        Self(Bytes::from_static(b"[]"))
    }

    /// The text, UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// `raw` must lie inside `frame`.
    fn inside(frame: &Bytes, raw: &RawValue) -> Self {
        Self(frame.slice_ref(raw.get().as_bytes()))
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawJson({} bytes)", self.0.len())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_slice::<&RawValue>(&self.0).map_err(S::Error::custom)?.serialize(serializer)
    }
}

/// Part of a job's result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chunk {
    /// The job.
    pub id: String,
    /// A list of rows; see [`row_slices`](crate::row_slices). Empty for an aggregate or a count.
    pub rows: RawJson,
    /// Groups of an aggregate: a list of `{dims, measures, count, sketches?}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agg: Option<RawJson>,
    /// The answer to a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether `total` is an estimate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approximate: Option<bool>,
}

impl Chunk {
    /// The one chunk that answers a count.
    #[must_use]
    pub fn count(id: impl Into<String>, total: u64, approximate: bool) -> Self {
        Self {
            id: id.into(),
            rows: RawJson::empty_list(),
            agg: None,
            total: Some(total),
            approximate: Some(approximate),
        }
    }

    pub(crate) fn decode(frame: &Bytes) -> Result<Self, serde_json::Error> {
        let text: ChunkText<'_> = serde_json::from_slice(frame)?;
        Ok(Self {
            id: text.id.into_owned(),
            rows: text.rows.map_or_else(RawJson::empty_list, |raw| RawJson::inside(frame, raw)),
            agg: text.agg.map(|raw| RawJson::inside(frame, raw)),
            total: text.total,
            approximate: text.approximate,
        })
    }
}

#[derive(Deserialize)]
struct ChunkText<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    rows: Option<&'a RawValue>,
    #[serde(borrow, default)]
    agg: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "number::optional")]
    total: Option<u64>,
    #[serde(default)]
    approximate: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_written_by_hand_is_a_chunk() {
        let mut frame = chunk_prefix("a\"b\u{1}").to_vec();
        frame.extend_from_slice(br#"{"n":1},{"n":2}"#);
        frame.extend_from_slice(CHUNK_SUFFIX);
        let chunk = Chunk::decode(&frame.into()).unwrap();
        assert_eq!(chunk.id, "a\"b\u{1}");
        assert_eq!(chunk.rows.as_bytes(), br#"[{"n":1},{"n":2}]"#);
        assert_eq!(chunk.agg, None);
    }

    #[test]
    fn an_aggregate_written_by_hand_has_no_rows() {
        let mut frame = aggregate_prefix("a").to_vec();
        frame.extend_from_slice(br#"{"dims":{},"measures":{},"count":3}"#);
        frame.extend_from_slice(CHUNK_SUFFIX);
        let chunk = Chunk::decode(&frame.into()).unwrap();
        assert_eq!(chunk.rows.as_bytes(), b"[]");
        assert_eq!(chunk.agg.unwrap().as_bytes(), br#"[{"dims":{},"measures":{},"count":3}]"#);
    }

    #[test]
    fn rows_share_the_memory_of_their_frame() {
        let frame = Bytes::from_static(br#"{"type":"chunk","id":"a","rows":[{"n":1}]}"#);
        let chunk = Chunk::decode(&frame).unwrap();
        let within = frame.as_ptr_range();
        assert!(within.contains(&chunk.rows.as_bytes().as_ptr()));
    }
}
