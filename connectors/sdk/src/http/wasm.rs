//! Requests that the runner sends.

use std::io::{self, Read};

use super::{Answer, Exchange, Method};
use crate::component::bindings::wasi::http::{outgoing_handler, types};
use crate::component::bindings::wasi::io::streams::{InputStream, StreamError};
use crate::net::Failure;

pub(super) fn send(exchange: &Exchange) -> io::Result<Answer> {
    let request = request(exchange).map_err(io::Error::from)?;
    let sending = request.body().map_err(|()| Failure::Other("a request has one body".to_owned()))?;
    let pending = outgoing_handler::handle(request, None).map_err(|code| failure(&code))?;
    let written = write(&sending, &exchange.body);
    if written.is_ok() {
        // A server may answer before it has read everything; what it answers says what became of it.
        let _ = types::OutgoingBody::finish(sending, None);
    }
    pending.subscribe().block();
    let response = match pending.get() {
        Some(Ok(Ok(response))) => response,
        Some(Ok(Err(code))) => return Err(failure(&code).into()),
        _ => return Err(Failure::Other("the runner gave no response".to_owned()).into()),
    };
    let headers = response.headers().entries();
    let body = response.consume().map_err(|()| Failure::Other("a response has one body".to_owned()))?;
    let stream = body.stream().map_err(|()| Failure::Other("a body has one stream".to_owned()))?;
    Ok(Answer {
        status: response.status(),
        headers: headers
            .into_iter()
            .map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()))
            .collect(),
        body: Box::new(Incoming { stream, _body: body, _response: response }),
    })
}

fn request(exchange: &Exchange) -> Result<types::OutgoingRequest, Failure> {
    let headers: Vec<(String, Vec<u8>)> = exchange
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone().into_bytes()))
        .collect();
    let headers = types::Fields::from_list(&headers).map_err(|_| {
        Failure::Other("the runner does not let a connector send one of its headers".to_owned())
    })?;
    let request = types::OutgoingRequest::new(headers);
    let method = match exchange.method {
        Method::Get => types::Method::Get,
        Method::Head => types::Method::Head,
        Method::Post => types::Method::Post,
        Method::Put => types::Method::Put,
        Method::Patch => types::Method::Patch,
        Method::Delete => types::Method::Delete,
    };
    let scheme = if exchange.secure { types::Scheme::Https } else { types::Scheme::Http };
    let set = request
        .set_method(&method)
        .and_then(|()| request.set_scheme(Some(&scheme)))
        .and_then(|()| request.set_authority(Some(&exchange.authority())))
        .and_then(|()| request.set_path_with_query(Some(&exchange.target)));
    set.map_err(|()| Failure::Other("the host or the path of a request is not valid".to_owned()))?;
    Ok(request)
}

fn write(body: &types::OutgoingBody, mut bytes: &[u8]) -> Result<(), StreamError> {
    if bytes.is_empty() {
        return Ok(());
    }
    let stream = body.write().map_err(|()| StreamError::Closed)?;
    while !bytes.is_empty() {
        stream.subscribe().block();
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        let (piece, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        stream.write(piece)?;
        bytes = rest;
    }
    stream.flush()?;
    stream.subscribe().block();
    stream.check_write().map(|_| ())
}

/// A body; what belongs to it is dropped in this order.
struct Incoming {
    stream: InputStream,
    _body: types::IncomingBody,
    _response: types::IncomingResponse,
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.stream.blocking_read(into.len() as u64) {
            Ok(bytes) => {
                // The runner gives no more than was asked for.
                let length = bytes.len().min(into.len());
                if let (Some(into), Some(bytes)) = (into.get_mut(..length), bytes.get(..length)) {
                    into.copy_from_slice(bytes);
                }
                Ok(length)
            }
            Err(StreamError::Closed) => Ok(0),
            Err(StreamError::LastOperationFailed(error)) => match types::http_error_code(&error) {
                Some(code) => Err(failure(&code).into()),
                None => Err(Failure::Closed.into()),
            },
        }
    }
}

fn failure(code: &types::ErrorCode) -> Failure {
    use types::ErrorCode;

    match code {
        ErrorCode::DnsError(_) => Failure::NameNotFound,
        ErrorCode::DnsTimeout
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionReadTimeout
        | ErrorCode::ConnectionWriteTimeout
        | ErrorCode::HttpResponseTimeout => Failure::TimedOut,
        ErrorCode::DestinationIpProhibited | ErrorCode::HttpRequestDenied => {
            Failure::NotAllowed("this connector may not connect there".to_owned())
        }
        ErrorCode::ConnectionRefused
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable => Failure::Refused,
        ErrorCode::ConnectionTerminated | ErrorCode::HttpResponseIncomplete => Failure::Closed,
        ErrorCode::TlsProtocolError => Failure::Tls("the handshake failed".to_owned()),
        ErrorCode::TlsCertificateError => Failure::Tls("the certificate was not accepted".to_owned()),
        ErrorCode::TlsAlertReceived(_) => Failure::Tls("the server broke the handshake off".to_owned()),
        ErrorCode::HttpProtocolError => Failure::Other("what answered does not speak HTTP".to_owned()),
        ErrorCode::InternalError(Some(text)) => Failure::Other(text.clone()),
        other => Failure::Other(format!("the request failed: {other:?}")),
    }
}
