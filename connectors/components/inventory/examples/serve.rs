//! The service that the tests talk to, on a port of its own until it is stopped.

#[path = "../tests/server/mod.rs"]
mod server;

#[allow(clippy::panic, reason = "the only answer to a port that is taken")]
fn main() {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let listener =
        std::net::TcpListener::bind(&address).unwrap_or_else(|failed| panic!("{address}: {failed}"));
    println!("http://{address}, or with the token {}", server::TOKEN);
    server::serve(&listener);
}
