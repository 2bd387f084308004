//! A server to talk to: a few items, a line each.

#![allow(dead_code, reason = "the example takes one part of it, the tests another")]

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};

/// How many items there are.
pub const ITEMS: u64 = 250;

/// The token that the server accepts; it accepts `-` as well.
pub const TOKEN: &str = "let-me-in";

/// Starts it, and returns its port.
pub fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || serve(&listener));
    port
}

/// Answers whoever connects, for ever.
pub fn serve(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || answer(&stream));
    }
}

/// One command after the other on one connection.
fn answer(mut stream: &TcpStream) -> Result<()> {
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let answer = match line.split_once(' ').unwrap_or((&line, "")) {
            ("HELLO", TOKEN | "-") => "OK lines 1.0\n".to_owned(),
            ("HELLO", _) => "ERR denied\n".to_owned(),
            ("PING", _) => "PONG\n".to_owned(),
            ("ROWS", "items") => (1..=ITEMS).map(item).chain([".\n".to_owned()]).collect(),
            _ => "ERR what?\n".to_owned(),
        };
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// Every tenth has no price; they were changed day by day.
fn item(id: u64) -> String {
    let price = if id.is_multiple_of(10) { "\\N".to_owned() } else { format!("{}.{:02}", id % 7, id % 100) };
    let (month, day) = ((id - 1) / 28 % 12 + 1, (id - 1) % 28 + 1);
    format!("{id}\titem {id}\t{price}\t2024-{month:02}-{day:02}T00:00:00Z\n")
}
