//! Bytes in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How many bytes are encoded at once; a multiple of three, so that only the last piece is padded.
const PIECE: usize = 3 * 1024;

/// Bytes as a base64 string (RFC 4648, section 4, padded).
pub fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut encoded = [0; PIECE / 3 * 4];
    out.reserve(bytes.len().div_ceil(3) * 4 + 2);
    out.push(b'"');
    for piece in bytes.chunks(PIECE) {
        // A piece always fits: the buffer is sized for the largest one.
        let written = STANDARD.encode_slice(piece, &mut encoded).unwrap_or(0);
        out.extend_from_slice(encoded.get(..written).unwrap_or_default());
    }
    out.push(b'"');
}

/// Bytes as Node's `JSON.stringify` writes a `Buffer`: `{"type":"Buffer","data":[…]}`.
pub fn buffer_object(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(b"{\"type\":\"Buffer\",\"data\":[");
    let mut digits = itoa::Buffer::new();
    for (position, byte) in bytes.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(digits.format(*byte).as_bytes());
    }
    out.extend_from_slice(b"]}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_bytes_are_one_base64_text() {
        for length in [0, 1, 2, 3, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut out = Vec::new();
            base64(&mut out, &bytes);
            let text: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(STANDARD.decode(text).unwrap(), bytes);
        }
    }

    #[test]
    fn a_buffer_object_is_what_node_writes() {
        let mut out = Vec::new();
        buffer_object(&mut out, &[0, 255]);
        assert_eq!(out, br#"{"type":"Buffer","data":[0,255]}"#);
    }
}
