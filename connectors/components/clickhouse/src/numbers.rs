//! Floating-point numbers as every connector writes them.
//!
//! ClickHouse writes whole ones of up to 21 digits without an exponent, exponents without a plus, and the sign of a zero.
//! Elsewhere in a row such digits do not stand: integers that long are texts.

use semilayer_connector::model::json;

/// The fewest characters of a number that may be written otherwise: 10^16 has 17.
const LONG: usize = 17;

/// The row with its numbers written so, if any is to be: into `out`.
///
/// Returns whether `out` holds it; otherwise the row is as it should be.
pub(crate) fn rewritten(row: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut copied = 0;
    let mut at = 0;
    while let Some(byte) = row.get(at) {
        match byte {
            b'"' => at = behind_text(row, at + 1),
            b'-' | b'0'..=b'9' => {
                let rest = row.get(at..).unwrap_or_default();
                let length = rest.iter().take_while(|byte| is_part(**byte)).count();
                let number = rest.get(..length).unwrap_or_default();
                if let Some(float) = other_form(number) {
                    out.extend_from_slice(row.get(copied..at).unwrap_or_default());
                    json::float64(out, float);
                    copied = at + length;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    if copied > 0 {
        out.extend_from_slice(row.get(copied..).unwrap_or_default());
    }
    copied > 0
}

fn is_part(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

/// The value of a number that is written in another form than ours.
fn other_form(number: &[u8]) -> Option<f64> {
    if number == b"-0" {
        return Some(0.0);
    }
    let is_long = number.len() >= LONG && !number.contains(&b'.');
    let is_small = number.starts_with(b"0.0000") || number.starts_with(b"-0.0000");
    if !(is_long || is_small || number.contains(&b'e')) {
        return None;
    }
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// The place behind the quote that ends a text.
fn behind_text(row: &[u8], begin: usize) -> usize {
    let mut at = begin;
    while let Some(found) = row.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        if row.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    row.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(row: &str) -> String {
        let mut out = Vec::new();
        match rewritten(row.as_bytes(), &mut out) {
            true => String::from_utf8(out).unwrap(),
            false => row.to_owned(),
        }
    }

    #[test]
    fn only_what_is_written_otherwise_is_written_anew() {
        for (row, expected) in [
            (r#"{"a":10000000000000000,"b":1}"#, r#"{"a":1e+16,"b":1}"#),
            (r#"{"a":[-0,123456789012345680000]}"#, r#"{"a":[0,1.2345678901234568e+20]}"#),
            (r#"{"a":0.000001}"#, r#"{"a":1e-6}"#),
            (r#"{"a":1000000000000000,"b":-1.5e-300,"c":"10000000000000000"}"#, ""),
            (r#"{"-0":"\"-0\\","b":0.5}"#, ""),
            (r#"{"a":"#, ""),
        ] {
            assert_eq!(of(row), if expected.is_empty() { row } else { expected }, "{row}");
        }
    }

    #[test]
    fn any_bytes_are_walked_to_their_end() {
        for row in ["\"", "\"\\", "\\", "-", "{\"a\":-}", "123456789012345678", "\"\\\""] {
            let _ = of(row);
        }
    }
}
