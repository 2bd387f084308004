//! Requests that are made and never sent: what of them the host keeps.

use crate::wasi::http::types::{Fields, Method, OutgoingBody, OutgoingRequest};
use crate::wasi::io::streams::OutputStream;

/// A text that is longer than anything of a request should be, and short enough to be handed over.
const LONG: usize = 8 << 20;

/// Makes so many requests with bodies, and writes into each as much as is taken.
pub fn bodies(count: usize) -> (&'static str, String) {
    // Given back in this order: what is made of something goes before it.
    let mut kept: Vec<(OutputStream, OutgoingBody, OutgoingRequest)> = Vec::new();
    let mut bytes = 0;
    for _ in 0..count {
        let request = OutgoingRequest::new(Fields::new());
        let Ok(body) = request.body() else { break };
        let Ok(stream) = body.write() else { break };
        while let Ok(room @ 1..) = stream.check_write() {
            if stream.write(&vec![1; room as usize]).is_err() {
                break;
            }
            bytes += room;
        }
        kept.push((stream, body, request));
    }
    ("kept", bytes.to_string())
}

/// Makes so many requests whose method, path and host are megabytes each.
pub fn names(count: usize) -> (&'static str, String) {
    let long = "m".repeat(LONG);
    let path = format!("/{long}");
    let mut kept = Vec::new();
    let mut taken = 0;
    for _ in 0..count {
        let request = OutgoingRequest::new(Fields::new());
        taken += usize::from(request.set_method(&Method::Other(long.clone())).is_ok());
        taken += usize::from(request.set_path_with_query(Some(&path)).is_ok());
        taken += usize::from(request.set_authority(Some(&long)).is_ok());
        kept.push(request);
    }
    ("kept", taken.to_string())
}

/// Makes so many sets of fields, each as full as it gets.
pub fn fields(count: usize) -> (&'static str, String) {
    let value = vec![b'v'; 4 << 10];
    let mut kept = Vec::new();
    let mut bytes = 0;
    for _ in 0..count {
        let fields = Fields::new();
        while fields.append("name", &value).is_ok() {
            bytes += value.len();
        }
        kept.push(fields);
    }
    ("kept", bytes.to_string())
}
