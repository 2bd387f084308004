//! Vectors: single-precision numbers, one after the other.

use connector_model::error::Result;
use connector_model::json;

use super::malformed;

/// Appends a vector as the text that the servers' own functions make of it: `"[1,0.5]"`.
pub(super) fn write(out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
    let (numbers, rest) = raw.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(malformed());
    }
    out.extend_from_slice(b"\"[");
    for (position, number) in numbers.iter().enumerate() {
        out.extend_from_slice(if position > 0 { b"," } else { b"" });
        json::float32(out, f32::from_le_bytes(*number));
    }
    out.extend_from_slice(b"]\"");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_shown_as_the_servers_show_it() {
        let raw: Vec<u8> = [1.0_f32, -0.5].iter().flat_map(|number| number.to_le_bytes()).collect();
        let mut out = Vec::new();
        write(&mut out, &raw).unwrap();
        assert_eq!(out, b"\"[1,-0.5]\"");
        assert!(write(&mut out, &[1]).is_err());
    }
}
