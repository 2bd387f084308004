//! An inventory service to talk to.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the example takes one part of it, the tests another"
)]

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};

/// How many items there are, and how many movements.
pub const ITEMS: u64 = 300;
pub const MOVEMENTS: u64 = 200;

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
        let (status, body) = match token {
            Some(token) if token != TOKEN => ("401 Unauthorized", json!({ "error": "unknown token" })),
            _ => resource(first.split(' ').nth(1).unwrap_or_default()),
        };
        let body = body.to_string();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}", body.len());
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes())?;
    }
}

fn resource(target: &str) -> (&'static str, Value) {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let parameter = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
    };
    let limit = parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
    let after = parameter("after");
    match path {
        "/health" => ("200 OK", json!({ "version": "2.1" })),
        "/items" => {
            let after = after.and_then(|sku| sku.strip_prefix("sku-")?.parse().ok()).unwrap_or(0);
            let stored = |item: &Value| {
                parameter("warehouse").is_none_or(|warehouse| item["warehouse"].as_str() == Some(warehouse))
            };
            ("200 OK", (after + 1..=ITEMS).map(item).filter(stored).take(limit).collect())
        }
        "/movements" => {
            let after = after.and_then(|after| after.parse().ok()).unwrap_or(0);
            ("200 OK", (after + 1..=MOVEMENTS).map(movement).take(limit).collect())
        }
        _ => ("404 Not Found", json!({ "error": "no such page" })),
    }
}

/// Every eleventh has no price, every third no dimensions.
pub fn item(id: u64) -> Value {
    let kinds = ["Bolt", "Nut", "Wrench", "100% Screw"];
    let warehouses = ["north", "south", "east"];
    let one_of = |words: &[&'static str]| words.iter().cycle().nth(id as usize).copied();
    json!({
        "sku": format!("sku-{id:05}"),
        "name": format!("{} No. {id}", one_of(&kinds).unwrap()),
        "warehouse": one_of(&warehouses),
        "quantity": id * 7 % 50,
        "price": (!id.is_multiple_of(11)).then(|| format!("{}.{:02}", id % 40, id % 100)),
        "dimensions": (!id.is_multiple_of(3)).then(|| json!({ "mm": [id % 9, id % 5, 3] })),
        "updatedAt": moment(id),
    })
}

/// Every fifth has no weight.
fn movement(id: u64) -> Value {
    let change = (id * 13 % 41) as i64 - 20;
    json!({
        "id": id,
        "sku": format!("sku-{:05}", id * 31 % ITEMS + 1),
        "change": change,
        "weight": (!id.is_multiple_of(5)).then_some(id as f64 / 8.0),
        "inbound": change > 0,
        "updatedAt": moment(id),
    })
}

fn moment(id: u64) -> String {
    format!("2024-{:02}-{:02}T{:02}:{:02}:00.5Z", id % 12 + 1, id % 28 + 1, id % 24, id % 60)
}
