//! Arrays in their binary form (src/backend/utils/adt/arrayfuncs.c, `array_send`).

use connector_model::error::Result;
use connector_model::json;

use super::{Binary, Decoder, malformed};

/// The most dimensions an array can have (`MAXDIM`).
const MAX_DIMENSIONS: usize = 6;

/// An array, nested by its dimensions.
pub(crate) fn array(out: &mut Vec<u8>, raw: &[u8], binary: Binary) -> Result<()> {
    let mut input = Input(raw);
    let dimensions = usize::try_from(input.number()?).map_err(|_| malformed())?;
    if dimensions > MAX_DIMENSIONS {
        return Err(malformed());
    }
    let _has_nulls = input.number()?;
    let element = u32::from_be_bytes(input.take::<4>()?);
    let decoder = Decoder::for_oid(element, binary).ok_or_else(malformed)?;
    let mut lengths = [0usize; MAX_DIMENSIONS];
    for length in lengths.iter_mut().take(dimensions) {
        *length = usize::try_from(input.number()?).map_err(|_| malformed())?;
        let _lower_bound = input.number()?;
    }
    match lengths.get(..dimensions) {
        Some(lengths) if dimensions > 0 => nested(out, &mut input, decoder, lengths),
        _ => {
            out.extend_from_slice(b"[]");
            Ok(())
        }
    }
}

fn nested(out: &mut Vec<u8>, input: &mut Input<'_>, decoder: Decoder, lengths: &[usize]) -> Result<()> {
    let Some((length, inner)) = lengths.split_first() else {
        return match input.number()? {
            -1 => {
                json::null(out);
                Ok(())
            }
            bytes => decoder.write(out, input.bytes(usize::try_from(bytes).map_err(|_| malformed())?)?),
        };
    };
    out.push(b'[');
    for position in 0..*length {
        if position > 0 {
            out.push(b',');
        }
        nested(out, input, decoder, inner)?;
    }
    out.push(b']');
    Ok(())
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes(N)?.try_into().map_err(|_| malformed())
    }

    fn number(&mut self) -> Result<i32> {
        self.take().map(i32::from_be_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(dimensions: &[i32], elements: &[Option<i32>]) -> Vec<u8> {
        let mut raw = Vec::new();
        for number in [dimensions.len() as i32, 0, 23] {
            raw.extend(number.to_be_bytes());
        }
        for length in dimensions {
            raw.extend(length.to_be_bytes());
            raw.extend(1i32.to_be_bytes());
        }
        for element in elements {
            match element {
                Some(value) => {
                    raw.extend(4i32.to_be_bytes());
                    raw.extend(value.to_be_bytes());
                }
                None => raw.extend((-1i32).to_be_bytes()),
            }
        }
        raw
    }

    #[test]
    fn arrays_nest_by_their_dimensions() {
        let mut out = Vec::new();
        array(&mut out, &wire(&[2, 2], &[Some(1), None, Some(-3), Some(4)]), Binary::Base64).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "[[1,null],[-3,4]]");
        let mut out = Vec::new();
        array(&mut out, &wire(&[], &[]), Binary::Base64).unwrap();
        assert_eq!(out, b"[]");
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_a_panic(raw in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = array(&mut Vec::new(), &raw, Binary::Base64);
        }
    }
}
