//! Where the parts of a request go: small parameters into the URL, large ones into a form.

use semilayer_connector::error::invalid_request;
use semilayer_connector::http::Request;
use semilayer_connector::prelude::*;
use semilayer_connector::url::encoded;

/// As much of parameters goes into a URL without a second thought: less than every proxy takes.
const SHORT_URL: usize = 4 * 1024;
/// The longest URL that a server takes is 1 MiB (`http_max_uri_size`).
const LONG_URL: usize = 960 * 1024;
/// The longest field of a form that a server takes is 128 KiB (`http_max_field_value_size`).
const FIELD: usize = 120 * 1024;

/// Sends a statement and its parameters, each named `param_…`.
///
/// # Errors
/// `INVALID_JOB` for a request that no server takes.
pub(crate) fn carry(request: Request, text: &str, parameters: Vec<(String, String)>) -> Result<Request> {
    let size: usize = parameters.iter().map(|(name, value)| name.len() + 2 + encoded(value).len()).sum();
    let fits_form = text.len() <= FIELD && parameters.iter().all(|(_, value)| value.len() <= FIELD);
    if size > SHORT_URL && fits_form {
        return Ok(form(request, text, &parameters));
    }
    if size > LONG_URL {
        let problem = format!(
            "is {} bytes of SQL and {size} of parameters, more than ClickHouse takes; use shorter lists or fewer conditions",
            text.len()
        );
        return Err(invalid_request("where", problem));
    }
    let with = parameters.iter().fold(request, |request, (name, value)| request.query(name, value));
    Ok(with.body(text))
}

fn form(request: Request, text: &str, parameters: &[(String, String)]) -> Request {
    let query = ("query".to_owned(), text.to_owned());
    let fields: Vec<&(String, String)> = std::iter::once(&query).chain(parameters).collect();
    // A boundary that stands in none of them.
    let boundary = (0_u32..)
        .map(|at| format!("semilayer-{at}"))
        .find(|boundary| !fields.iter().any(|(_, value)| value.contains(boundary)))
        .unwrap_or_default();
    let mut body = String::new();
    for (name, value) in fields {
        body.push_str(&format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    request.header("content-type", &format!("multipart/form-data; boundary={boundary}")).body(body)
}
