//! Where a request goes, and what of it stands in its head.

use http::header::HOST;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Method, Request, Uri, Version};
use wasmtime_wasi_http::{Error, WasiBody};

use super::failure;
use crate::reach::outbound::Outbound;
use dial::Destination;

/// A connection that one request may go over, and another after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) to: Destination,
}

impl Target {
    /// Where the request goes, if that is granted.
    ///
    /// # Errors
    /// The request is malformed, or not granted.
    pub(super) fn of(request: &Request<WasiBody>, outbound: &Outbound) -> Result<Target, Error> {
        // A tunnel would be a connection of another kind, and to a host that nobody checked.
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let uri = request.uri();
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(Error::HttpProtocolError),
        };
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        // Credentials belong into a header; a server would see them in none.
        if authority.as_str().contains('@') {
            return Err(Error::HttpRequestUriInvalid);
        }
        let written = authority.as_str().rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
        let port = match (written, authority.port_u16()) {
            (_, Some(port)) => port,
            (Some((_, digits)), None) if !digits.is_empty() => return Err(Error::HttpRequestUriInvalid),
            _ if tls => 443,
            _ => 80,
        };
        let to = outbound.permitted(authority.host(), port).map_err(|failure| failure::of_dial(&failure))?;
        Ok(Target { tls, to })
    }

    /// Makes the request's head what goes over the wire: the path alone, and the host that was checked.
    pub(super) fn write_head(&self, request: &mut Request<WasiBody>) -> Result<(), Error> {
        let path = request.uri().path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let invalid = |_| Error::HttpRequestUriInvalid;
        *request.uri_mut() = Uri::builder().path_and_query(path).build().map_err(invalid)?;
        *request.version_mut() = Version::HTTP_11;
        let host = HeaderValue::try_from(self.host_header()).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(HOST, host);
        Ok(())
    }

    /// The host, with the port where it is not the usual one (RFC 9110 §7.2).
    fn host_header(&self) -> String {
        let usual = if self.tls { 443 } else { 80 };
        let text = self.to.to_string();
        if self.to.port() != usual {
            return text;
        }
        text.strip_suffix(&format!(":{usual}")).map(str::to_owned).unwrap_or(text)
    }
}
