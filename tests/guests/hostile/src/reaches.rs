//! Addresses, by every way that there is: the host's `net`, `wasi:http`, `wasi:sockets`.

use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};

use crate::semilayer::connector::net::{self, NetError, Tls};
use crate::wasi::http::outgoing_handler::handle;
use crate::wasi::http::types::{Fields, IncomingResponse, OutgoingBody, OutgoingRequest, Scheme};

/// How many connections are wanted.
const CONNECTIONS: usize = 10_000;

/// How many redirects are followed.
const REDIRECTS: usize = 4;

/// Dials `host:port`.
pub fn dial(at: &str) -> (&'static str, String) {
    outcome(place(at).and_then(|(host, port)| net::dial(host, port, Tls::Off)))
}

/// Dials `host:port` with TLS.
pub fn dial_tls(at: &str) -> (&'static str, String) {
    outcome(place(at).and_then(|(host, port)| net::dial(host, port, Tls::On)))
}

fn outcome<T>(dialled: Result<T, NetError>) -> (&'static str, String) {
    match dialled {
        Ok(_) => ("reached", String::new()),
        Err(error) => (word(&error), format!("{error:?}")),
    }
}

fn word(error: &NetError) -> &'static str {
    match error {
        NetError::NotAllowed(_) => "not-allowed",
        NetError::NameNotFound => "name-not-found",
        NetError::Refused => "refused",
        NetError::TimedOut => "timed-out",
        NetError::Tls(_) => "tls",
        NetError::Closed => "closed",
        NetError::Other(_) => "other",
    }
}

fn place(at: &str) -> Result<(&str, u16), NetError> {
    let none = || NetError::Other("no place".into());
    let (host, port) = at.rsplit_once(':').ok_or_else(none)?;
    Ok((host, port.parse().map_err(|_| none())?))
}

/// Opens connections and keeps every one.
pub fn connections(at: &str) -> (&'static str, String) {
    let Ok((host, port)) = place(at) else { return ("no-place", String::new()) };
    let mut kept = Vec::new();
    for _ in 0..CONNECTIONS {
        match net::dial(host, port, Tls::Off) {
            Ok(connection) => kept.push(connection),
            Err(error) => return ("stopped", format!("after {}: {error:?}", kept.len())),
        }
    }
    ("kept", kept.len().to_string())
}

/// Fetches `authority/path` over HTTP and follows where it is sent.
pub fn follow(at: &str) -> (&'static str, String) {
    let mut url = at.to_owned();
    let mut way = Vec::new();
    for _ in 0..REDIRECTS {
        way.push(url.clone());
        match get(&url) {
            Err(why) => return ("refused", format!("{way:?}: {why}")),
            Ok(response) => {
                let location = response.headers().get("location").into_iter().next();
                let status = response.status();
                let Some(location) = location.filter(|_| (300..400).contains(&status)) else {
                    return ("reached", format!("{way:?}: {status}"));
                };
                let location = String::from_utf8_lossy(&location).into_owned();
                url = location.trim_start_matches("http://").to_owned();
            }
        }
    }
    ("reached", format!("{way:?}"))
}

fn get(url: &str) -> Result<IncomingResponse, String> {
    let (authority, path) = url.split_once('/').unwrap_or((url, ""));
    let request = OutgoingRequest::new(Fields::new());
    let set = request.set_scheme(Some(&Scheme::Http)).is_ok()
        && request.set_authority(Some(authority)).is_ok()
        && request.set_path_with_query(Some(&format!("/{path}"))).is_ok();
    if !set {
        return Err("no such request".to_owned());
    }
    if let Ok(body) = request.body() {
        let _ = OutgoingBody::finish(body, None);
    }
    let coming = handle(request, None).map_err(|code| format!("{code:?}"))?;
    coming.subscribe().block();
    match coming.get() {
        Some(Ok(response)) => response.map_err(|code| format!("{code:?}")),
        _ => Err("nothing came".to_owned()),
    }
}

/// Connects to an address by the sockets of the standard library.
pub fn socket(at: &str) -> (&'static str, String) {
    of_std(TcpStream::connect(at))
}

/// Looks a name up.
pub fn resolve(at: &str) -> (&'static str, String) {
    of_std(at.to_socket_addrs().map(|found| found.count()))
}

/// Sends a datagram.
pub fn datagram(at: &str) -> (&'static str, String) {
    of_std(UdpSocket::bind("0.0.0.0:0").and_then(|socket| socket.send_to(b"x", at)))
}

/// Waits for others to connect.
pub fn listen(at: &str) -> (&'static str, String) {
    of_std(TcpListener::bind(at))
}

fn of_std<T>(outcome: std::io::Result<T>) -> (&'static str, String) {
    match outcome {
        Ok(_) => ("reached", String::new()),
        Err(error) => ("refused", format!("{:?}: {error}", error.kind())),
    }
}
