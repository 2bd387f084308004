//! Lists: where a page begins, how long it is, and how far back it goes.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::errors::ApiError;
use crate::store::{Page, Position};

/// Entries of a page unless the caller says otherwise.
const USUAL: u32 = 100;

/// `?limit=&cursor=`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct PageQuery {
    limit: Option<u32>,
    cursor: Option<Position>,
}

impl PageQuery {
    /// The page that is asked for.
    pub(super) fn page(&self) -> Result<Page, ApiError> {
        Ok(Page { after: self.cursor, limit: limit(self.limit)? })
    }
}

/// A query string, with an error in JSON when it makes no sense.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(rejection) => Err(ApiError::bad_request(rejection.body_text())),
        }
    }
}

/// A page's length.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, ApiError> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=Page::MOST => Ok(limit),
        _ => Err(ApiError::bad_request(format!("limit: 1 to {}", Page::MOST))),
    }
}

/// `{name: entries}`, with the cursor of the next page when this one is full.
pub(super) fn page_body<T: serde::Serialize>(
    name: &str,
    entries: &[T],
    limit: u32,
    position: impl Fn(&T) -> Position,
) -> Value {
    let full = u32::try_from(entries.len()).is_ok_and(|count| count == limit);
    let next = entries.last().filter(|_| full).map(position);
    match next {
        Some(next) => json!({ name: entries, "nextCursor": next }),
        None => json!({ name: entries }),
    }
}

/// How far back: a span such as `15m`, `2h` or `7d`, or a time in RFC 3339.
pub(super) fn since(text: Option<&str>) -> Result<Option<Duration>, ApiError> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let bad = || {
        ApiError::bad_request("since: a span such as 15m, 2h or 7d, or a time such as 2026-01-31T12:00:00Z")
    };
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        let elapsed = jiff::Timestamp::now().duration_since(at);
        return Ok(Some(Duration::try_from(elapsed).unwrap_or_default()));
    }
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match text.strip_prefix(digits) {
        Some("s") => 1,
        Some("m") => 60,
        Some("h") => 3_600,
        Some("d") => 86_400,
        _ => return Err(bad()),
    };
    let count: u64 = digits.parse().map_err(|_| bad())?;
    count.checked_mul(unit).map(|seconds| Some(Duration::from_secs(seconds))).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_or_a_time_says_how_far_back() {
        let seconds = |text| since(Some(text)).expect("a span").expect("not empty").as_secs();
        assert_eq!(seconds("90s"), 90);
        assert_eq!(seconds("15m"), 900);
        assert_eq!(seconds("2h"), 7_200);
        assert_eq!(seconds("7d"), 604_800);
        assert!(seconds("2020-01-01T00:00:00Z") > 86_400);
        assert_eq!(since(None).expect("nothing"), None);
        for bad in ["7", "d", "1w", "-1h", "yesterday", "99999999999999999999d"] {
            assert!(since(Some(bad)).is_err(), "{bad}");
        }
    }
}
