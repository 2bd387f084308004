//! `numeric` in its binary form to exact decimal digits.

use connector_model::error::Result;
use connector_model::json;

use super::malformed;

/// The signs of src/backend/utils/adt/numeric.c.
const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;

/// A number as the server sends it: base-10,000 digits, the first of which stands at 10,000^`weight`.
struct Numeric<'a> {
    weight: i16,
    sign: u16,
    scale: u16,
    digits: &'a [[u8; 2]],
}

fn read(raw: &[u8]) -> Result<Numeric<'_>> {
    let (header, digits) = raw.split_first_chunk::<8>().ok_or_else(malformed)?;
    let [count_high, count_low, weight_high, weight_low, sign_high, sign_low, scale_high, scale_low] =
        *header;
    let (digits, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() || digits.len() != usize::from(u16::from_be_bytes([count_high, count_low])) {
        return Err(malformed());
    }
    Ok(Numeric {
        weight: i16::from_be_bytes([weight_high, weight_low]),
        sign: u16::from_be_bytes([sign_high, sign_low]),
        scale: u16::from_be_bytes([scale_high, scale_low]),
        digits,
    })
}

/// The digits in quotes, the scale kept; NaN and infinities are `null`.
pub(super) fn write(out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
    let number = read(raw)?;
    match number.sign {
        POSITIVE | NEGATIVE => {
            out.push(b'"');
            number.digits(out);
            out.push(b'"');
        }
        _ => json::null(out),
    }
    Ok(())
}

/// The number as text that the server reads back the same.
pub(super) fn text(raw: &[u8]) -> Result<String> {
    let number = read(raw)?;
    Ok(match number.sign {
        POSITIVE | NEGATIVE => {
            let mut digits = Vec::new();
            number.digits(&mut digits);
            String::from_utf8_lossy(&digits).into_owned()
        }
        NAN => "NaN".to_owned(),
        POSITIVE_INFINITY => "Infinity".to_owned(),
        _ => "-Infinity".to_owned(),
    })
}

impl Numeric<'_> {
    /// The base-10,000 digit at 10,000^`place`.
    fn at(&self, place: i32) -> u16 {
        let position = i32::from(self.weight) - place;
        usize::try_from(position)
            .ok()
            .and_then(|at| self.digits.get(at))
            .map_or(0, |digit| u16::from_be_bytes(*digit))
    }

    fn digits(&self, out: &mut Vec<u8>) {
        if self.sign == NEGATIVE {
            out.push(b'-');
        }
        let mut leading = true;
        for place in (0..=i32::from(self.weight).max(0)).rev() {
            let digit = self.at(place);
            for unit in [1_000, 100, 10, 1] {
                let decimal = digit / unit % 10;
                leading = leading && decimal == 0 && !(unit == 1 && place == 0);
                if !leading {
                    out.push(b'0' + u8::try_from(decimal).unwrap_or(0));
                }
            }
        }
        if self.scale > 0 {
            out.push(b'.');
        }
        for position in 0..i32::from(self.scale) {
            let digit = self.at(-1 - position / 4);
            let unit = match position % 4 {
                0 => 1_000,
                1 => 100,
                2 => 10,
                _ => 1,
            };
            out.push(b'0' + u8::try_from(digit / unit % 10).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(weight: i16, sign: u16, scale: u16, digits: &[u16]) -> Vec<u8> {
        let mut raw = Vec::new();
        raw.extend((digits.len() as u16).to_be_bytes());
        raw.extend(weight.to_be_bytes());
        raw.extend(sign.to_be_bytes());
        raw.extend(scale.to_be_bytes());
        digits.iter().for_each(|digit| raw.extend(digit.to_be_bytes()));
        raw
    }

    #[test]
    fn digits_and_scale_are_exact() {
        for (raw, expected) in [
            (wire(0, POSITIVE, 0, &[]), "0"),
            (wire(0, POSITIVE, 2, &[]), "0.00"),
            (wire(0, POSITIVE, 2, &[12, 5_000]), "12.50"),
            (wire(-1, NEGATIVE, 3, &[10]), "-0.001"),
            (wire(-2, POSITIVE, 9, &[1_234, 5_000]), "0.000012345"),
            (wire(2, POSITIVE, 0, &[1]), "100000000"),
            (wire(1, NEGATIVE, 4, &[1, 2_345, 6_789]), "-12345.6789"),
        ] {
            assert_eq!(text(&raw).unwrap(), expected);
        }
        let mut out = Vec::new();
        write(&mut out, &wire(0, NAN, 0, &[])).unwrap();
        assert_eq!(out, b"null");
        assert!(text(&[0, 1, 0]).is_err());
    }
}
