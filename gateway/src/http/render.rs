//! Frames into an answer, without parsing a row.
//!
//! A document is `{"rows":[…],"meta":{…}}`: the inside of each frame's list is passed on as it is, sharing the frame's
//! memory. Lines are one row each, then `{"meta":…}`. In both, an error after the first row stands where `meta` would.

use std::collections::VecDeque;

use bytes::Bytes;
use runner_protocol::{Chunk, DoneMeta, write_ndjson};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::errors::failure_value;
use crate::dispatch::JobFailure;

/// How the caller wants the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON document.
    Document,
    /// NDJSON.
    Lines,
}

impl Format {
    /// The answer's media type.
    pub(super) const fn media_type(self) -> &'static str {
        match self {
            Self::Document => "application/json",
            Self::Lines => "application/x-ndjson",
        }
    }
}

/// What is written so far.
#[derive(Debug)]
pub(super) struct Renderer {
    format: Format,
    job: Uuid,
    begun: bool,
    rows_written: bool,
    total: Option<u64>,
    approximate: Option<bool>,
}

impl Renderer {
    /// Nothing written yet.
    pub(super) fn new(format: Format, job: Uuid) -> Self {
        Self { format, job, begun: false, rows_written: false, total: None, approximate: None }
    }

    /// Puts a chunk's rows into `out` (an aggregate's groups count as rows), and gives their number where the format has
    /// to know it.
    ///
    /// # Errors
    /// When the chunk holds no list; says so in words for the caller.
    pub(super) fn chunk(&mut self, chunk: Chunk, out: &mut VecDeque<Bytes>) -> Result<usize, &'static str> {
        self.total = chunk.total.or(self.total);
        self.approximate = chunk.approximate.or(self.approximate);
        let mut counted = 0;
        for list in [Some(chunk.rows), chunk.agg].into_iter().flatten() {
            counted += self.list(list.into_bytes(), out)?;
        }
        Ok(counted)
    }

    /// Puts the answer's end into `out`.
    pub(super) fn end(&mut self, outcome: Result<DoneMeta, JobFailure>, out: &mut VecDeque<Bytes>) {
        let (name, value) = match outcome {
            Ok(meta) => ("meta", self.meta(meta)),
            Err(failure) => ("error", failure_value(failure)),
        };
        self.begin(out);
        let text = match self.format {
            Format::Document => format!("],\"{name}\":{value}}}"),
            Format::Lines => format!("{}\n", json!({ name: value })),
        };
        out.push_back(text.into());
    }

    fn begin(&mut self, out: &mut VecDeque<Bytes>) {
        if !std::mem::replace(&mut self.begun, true) && self.format == Format::Document {
            out.push_back(Bytes::from_static(b"{\"rows\":["));
        }
    }

    fn list(&mut self, list: Bytes, out: &mut VecDeque<Bytes>) -> Result<usize, &'static str> {
        const NO_LIST: &str = "its rows are not a list";
        match self.format {
            Format::Lines => {
                // Commas become line ends, so the lines take what the list took, but for a last line end.
                let mut lines = Vec::with_capacity(list.len());
                let count = write_ndjson(&list, &mut lines).map_err(|_| NO_LIST)?;
                if count > 0 {
                    out.push_back(lines.into());
                }
                Ok(count)
            }
            Format::Document => {
                let inside = list
                    .strip_prefix(b"[")
                    .and_then(|rest| rest.strip_suffix(b"]"))
                    .ok_or(NO_LIST)?
                    .trim_ascii();
                self.begin(out);
                if !inside.is_empty() {
                    if std::mem::replace(&mut self.rows_written, true) {
                        out.push_back(Bytes::from_static(b","));
                    }
                    out.push_back(list.slice_ref(inside));
                }
                Ok(0)
            }
        }
    }

    fn meta(&self, meta: DoneMeta) -> Value {
        let mut fields = Map::new();
        fields.insert("count".to_owned(), Value::from(meta.count));
        fields.insert("durationMs".to_owned(), Value::from(meta.duration_ms));
        let optional = [
            ("nextCursor", meta.next_cursor.map(Value::from)),
            ("cursorKind", meta.cursor_kind.map(Value::from)),
            ("total", meta.total.or(self.total).map(Value::from)),
            ("approximate", self.approximate.map(Value::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        }
        fields.insert("jobId".to_owned(), Value::from(self.job.to_string()));
        Value::Object(fields)
    }
}

#[cfg(test)]
mod tests {
    use runner_protocol::RawJson;

    use super::*;

    fn chunk(rows: &'static str) -> Chunk {
        Chunk {
            id: String::new(),
            rows: RawJson::parse(Bytes::from_static(rows.as_bytes())).expect("JSON"),
            agg: None,
            total: None,
            approximate: None,
        }
    }

    fn rendered(format: Format, chunks: Vec<Chunk>, outcome: Result<DoneMeta, JobFailure>) -> String {
        let mut renderer = Renderer::new(format, Uuid::nil());
        let mut out = VecDeque::new();
        for chunk in chunks {
            renderer.chunk(chunk, &mut out).expect("a list");
        }
        renderer.end(outcome, &mut out);
        String::from_utf8(out.into_iter().flatten().collect()).expect("text")
    }

    #[test]
    fn a_document_is_one_whatever_the_chunks() {
        let chunks = vec![chunk("[]"), chunk(r#"[{"a":1},{"a":2}]"#), chunk("[ ]"), chunk(r#"[ {"a":3} ]"#)];
        let text = rendered(Format::Document, chunks, Ok(DoneMeta { count: 3, ..DoneMeta::default() }));
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["rows"], json!([{ "a": 1 }, { "a": 2 }, { "a": 3 }]));
        assert_eq!(document["meta"]["count"], 3);
        assert_eq!(rendered(Format::Document, vec![], Ok(DoneMeta::default())).find("\"rows\":[]"), Some(1));
    }

    #[test]
    fn an_error_after_rows_takes_the_place_of_meta() {
        let failure = JobFailure::socket_lost("edge");
        let text = rendered(Format::Document, vec![chunk("[1]")], Err(failure.clone()));
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(document["rows"], json!([1]));
        assert_eq!(document["error"]["code"], "runner_failed");
        assert!(document.get("meta").is_none());
        let lines = rendered(Format::Lines, vec![chunk("[1,2]")], Err(failure));
        let last = lines.lines().last().expect("a line");
        assert!(lines.starts_with("1\n2\n"));
        assert_eq!(serde_json::from_str::<Value>(last).expect("JSON")["error"]["code"], "runner_failed");
    }

    #[test]
    fn a_count_and_an_aggregate_are_answers_too() {
        let count = Chunk::count("", 7, true);
        let text = rendered(Format::Document, vec![count], Ok(DoneMeta::default()));
        let document: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&document["meta"]["total"], &document["meta"]["approximate"]), (&json!(7), &json!(true)));

        let groups = RawJson::parse(Bytes::from_static(br#"[{"count":1}]"#)).expect("JSON");
        let aggregate = Chunk { agg: Some(groups), ..chunk("[]") };
        let text = rendered(Format::Lines, vec![aggregate], Ok(DoneMeta::default()));
        assert!(text.starts_with("{\"count\":1}\n{\"meta\":"));
    }

    #[test]
    fn rows_that_are_no_list_are_refused() {
        for format in [Format::Document, Format::Lines] {
            let mut renderer = Renderer::new(format, Uuid::nil());
            assert!(renderer.chunk(chunk("{}"), &mut VecDeque::new()).is_err());
        }
    }
}
