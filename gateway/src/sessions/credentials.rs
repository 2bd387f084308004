//! Whether a socket may open: the credentials in its upgrade request, held against what is known.

use axum::http::{HeaderMap, Uri, header};
use runner_protocol::{headers, reasons};

use crate::directory::Directory;
use crate::store::{RunnerRecord, Store, StoreError};
use crate::tokens::{TokenHash, TokenKind};

/// Whether a socket may open.
pub(super) enum Admission {
    /// It may.
    Admitted {
        /// Whose socket it is.
        runner: RunnerRecord,
        /// The token it came with.
        token: TokenHash,
    },
    /// It may not; the reason is one of [`reasons`].
    Refused(&'static str),
}

/// The credentials of an upgrade request, from its headers or else its query string.
pub(super) struct Credentials {
    /// The runner's id or name, as presented.
    pub(super) runner: String,
    token: Option<TokenHash>,
}

impl Credentials {
    /// Reads both forms; a header wins over the query. What is missing is empty.
    pub(super) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let bearer = header(header::AUTHORIZATION.as_str()).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
        });
        let query = |name: &str| {
            let pairs = url_pairs(uri.query().unwrap_or_default());
            pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
        };
        let runner = header(headers::RUNNER_ID).or_else(|| query(headers::QUERY_RUNNER_ID));
        let token = bearer.or_else(|| query(headers::QUERY_TOKEN));
        Self { runner: runner.unwrap_or_default(), token: token.as_deref().and_then(TokenHash::of) }
    }

    /// Holds the credentials against the store. An id that names no runner of this token is `unknown runner`; a token
    /// that was never issued, or has been replaced, is `bad token`; a runner's own token after its revocation is
    /// `revoked`.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn check(
        &self,
        store: &dyn Store,
        directory: &Directory,
    ) -> Result<Admission, StoreError> {
        let Some(runner) = store.runner(&self.runner).await? else {
            return Ok(Admission::Refused(reasons::UNKNOWN_RUNNER));
        };
        let Some(token) = self.token else { return Ok(Admission::Refused(reasons::BAD_TOKEN)) };
        let Some(key) = directory.key(token).await?.filter(|key| key.kind == TokenKind::Runner) else {
            return Ok(Admission::Refused(reasons::BAD_TOKEN));
        };
        Ok(if key.runner_id != Some(runner.id) {
            Admission::Refused(reasons::UNKNOWN_RUNNER)
        } else if runner.revoked_at.is_some() {
            Admission::Refused(reasons::REVOKED)
        } else if key.revoked {
            Admission::Refused(reasons::BAD_TOKEN)
        } else {
            Admission::Admitted { runner, token }
        })
    }
}

/// The pairs of a query string, percent-decoded. Text that is not UTF-8 after decoding becomes empty, which no
/// credential is.
fn url_pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (percent_decoded(key), percent_decoded(value)))
        .collect()
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut look = bytes.clone();
                let digits = [look.next(), look.next()]
                    .map(|digit| digit.and_then(|byte| char::from(byte).to_digit(16)));
                if let [Some(high), Some(low)] = digits
                    && let Ok(decoded) = u8::try_from(high * 16 + low)
                {
                    out.push(decoded);
                    bytes = look;
                } else {
                    out.push(byte);
                }
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_credentials_are_read_and_the_header_wins() {
        let mut headers = HeaderMap::new();
        let uri: Uri = "/connect?runnerId=a%2Db&token=rk_x".parse().expect("a uri");
        let query = Credentials::of(&headers, &uri);
        assert_eq!(query.runner, "a-b");
        assert_eq!(query.token, TokenHash::of("rk_x"));

        headers.insert("authorization", "bearer rk_y".parse().expect("a value"));
        headers.insert("x-semilayer-runner-id", "c".parse().expect("a value"));
        let header = Credentials::of(&headers, &uri);
        assert_eq!(header.runner, "c");
        assert_eq!(header.token, TokenHash::of("rk_y"));
    }

    #[test]
    fn a_broken_escape_is_itself_and_broken_text_is_nothing() {
        assert_eq!(percent_decoded("a%2"), "a%2");
        assert_eq!(percent_decoded("%zz%41"), "%zzA");
        assert_eq!(percent_decoded("%ff"), "");
        assert_eq!(percent_decoded("a+b"), "a b");
    }
}
