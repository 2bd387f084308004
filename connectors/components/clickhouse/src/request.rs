//! Where the parts of a request go: small parameters into the URL, large ones into a form.

use semilayer_connector::error::invalid_request;
use semilayer_connector::http::Request;
use semilayer_connector::prelude::*;
use semilayer_connector::url::encoded;

/// As much of parameters goes into the URL, less than every proxy takes; more goes into a form.
const SHORT_URL: usize = 4 * 1024;
/// The longest field of a form that servers take is 128 KiB (`http_max_field_value_size`).
const FIELD: usize = 120 * 1024;

/// Sends a statement and its parameters, each named `param_…`.
///
/// # Errors
/// `INVALID_JOB` for a parameter that no server takes.
pub(crate) fn carry(request: Request, text: &str, parameters: Vec<(String, String)>) -> Result<Request> {
    let size: usize = parameters.iter().map(|(name, value)| name.len() + 2 + encoded(value).len()).sum();
    if size <= SHORT_URL {
        let with = parameters.iter().fold(request, |request, (name, value)| request.query(name, value));
        return Ok(with.body(text));
    }
    match parameters.iter().find(|(_, value)| value.len() > FIELD) {
        None => Ok(form(request, text, &parameters)),
        Some((_, value)) => {
            let problem =
                format!("has a text of {} bytes; ClickHouse takes {FIELD} of one value", value.len());
            Err(invalid_request("where", problem))
        }
    }
}

fn form(request: Request, text: &str, parameters: &[(String, String)]) -> Request {
    // A long statement is several fields of one name, which servers put together (`DynamicQueryHandler::getQuery`).
    let query = pieces(text).map(|piece| ("query", piece));
    let bound = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let fields: Vec<(&str, &str)> = query.chain(bound).collect();
    // A boundary that stands in none of them.
    let boundary = (0_u32..)
        .map(|at| format!("semilayer-{at}"))
        .find(|boundary| !fields.iter().any(|(_, value)| value.contains(boundary)))
        .unwrap_or_default();
    let mut body = String::new();
    for (name, value) in &fields {
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    request.header("content-type", &format!("multipart/form-data; boundary={boundary}")).body(body)
}

/// The text in pieces that fit a field each.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let cut = text.floor_char_boundary(FIELD);
        let (piece, rest) = text.split_at_checked(cut)?;
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use semilayer_connector::http::Client;
    use semilayer_connector::testing::{FakeHttp, FakeResponse};

    /// What a server would see of a statement: the path with its query, and the body.
    fn sent(text: &str, parameters: &[(&str, String)]) -> Result<(String, String)> {
        let server = FakeHttp::install(|_| FakeResponse::text(200, ""));
        let client = Client::new("http://h:1").unwrap();
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        carry(client.post("/"), text, parameters)?.send()?;
        let request = &server.requests()[0];
        Ok((request.target.clone(), String::from_utf8(request.body.clone()).unwrap()))
    }

    #[test]
    fn small_parameters_stand_in_the_url_and_large_ones_in_a_form() {
        let (target, body) = sent("SELECT 1", &[("param_p1", "a b'".to_owned())]).unwrap();
        assert_eq!((target.as_str(), body.as_str()), ("/?param_p1=a%20b%27", "SELECT 1"));
        let long = "x".repeat(5_000);
        let (target, body) = sent("SELECT 1", &[("param_p1", long.clone())]).unwrap();
        assert_eq!(target, "/");
        assert!(body.contains(&format!("name=\"param_p1\"\r\n\r\n{long}\r\n")), "{body:.200}");
        let error = sent("SELECT 1", &[("param_p1", "x".repeat(FIELD + 1))]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidJob);
    }

    #[test]
    fn a_long_statement_is_whole_again_at_the_server() {
        let text = "é".repeat(FIELD);
        let together: String = pieces(&text).collect();
        assert!(together == text && pieces(&text).all(|piece| piece.len() <= FIELD));
        assert_eq!(pieces(&text).count(), 2);
        assert_eq!(pieces("").count(), 0);
    }

    #[test]
    fn no_value_ends_its_field() {
        let tricky = format!("{}\r\n--semilayer-0--\r\n", "x".repeat(5_000));
        let (_, body) = sent("SELECT 1", &[("param_p1", tricky)]).unwrap();
        assert!(
            body.starts_with("--semilayer-1\r\n") && body.ends_with("--semilayer-1--\r\n"),
            "{body:.100}"
        );
    }
}
