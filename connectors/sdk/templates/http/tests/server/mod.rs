//! A service to talk to: a few items, page by page.

#![allow(dead_code, reason = "the example takes one part of it, the tests another")]

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};

/// How many items there are.
pub const ITEMS: u64 = 250;

/// The token that the service accepts; it accepts none as well.
pub const TOKEN: &str = "let-me-in";

/// Starts it on a free port, and returns its URL.
pub fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || serve(&listener));
    url
}

/// Answers whoever connects, for ever.
pub fn serve(listener: &TcpListener) {
    for stream in listener.incoming().flatten() {
        std::thread::spawn(move || answer(&stream));
    }
}

/// One request after the other on one connection.
fn answer(mut stream: &TcpStream) -> Result<()> {
    let mut lines = BufReader::new(stream);
    loop {
        let (mut first, mut token) = (String::new(), None);
        if lines.read_line(&mut first)? == 0 {
            return Ok(());
        }
        loop {
            let mut header = String::new();
            if lines.read_line(&mut header)? == 0 {
                return Ok(());
            }
            let header = header.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(": Bearer ")
                && name.eq_ignore_ascii_case("authorization")
            {
                token = Some(value.to_owned());
            }
        }
        let target = first.split(' ').nth(1).unwrap_or_default();
        let (status, body) = match token {
            Some(token) if token != TOKEN => ("401 Unauthorized", "{}".to_owned()),
            _ => resource(target),
        };
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    }
}

fn resource(target: &str) -> (&'static str, String) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let number = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).and_then(|(_, value)| value.parse::<u64>().ok())
    };
    match path {
        "/about" => ("200 OK", "{\"version\": \"1.0\"}".to_owned()),
        "/items" => {
            let first = number("after").unwrap_or(0) + 1;
            let last = ITEMS.min(first.saturating_add(number("limit").unwrap_or(ITEMS)) - 1);
            let page: Vec<String> = (first..=last).map(item).collect();
            ("200 OK", format!("[{}]", page.join(",")))
        }
        _ => ("404 Not Found", "{\"error\": \"no such page\"}".to_owned()),
    }
}

/// Every tenth has no price; they were changed day by day.
fn item(id: u64) -> String {
    let price =
        if id.is_multiple_of(10) { "null".to_owned() } else { format!("\"{}.{:02}\"", id % 7, id % 100) };
    let (month, day) = ((id - 1) / 28 % 12 + 1, (id - 1) % 28 + 1);
    format!(
        "{{\"id\":{id},\"name\":\"item {id}\",\"price\":{price},\"changed\":\"2024-{month:02}-{day:02}T00:00:00Z\"}}"
    )
}
