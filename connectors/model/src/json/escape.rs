//! Text in JSON quotes (RFC 8259, section 7).

/// How many bytes are tested at once; the compiler turns the test into vector instructions.
const BLOCK: usize = 16;

/// Whether a byte cannot stand in a JSON string as it is.
const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Text in quotes; control characters, quotes and backslashes escaped, everything else as it is.
pub fn text(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    escaped(out, text.as_bytes());
    out.push(b'"');
}

/// How many bytes [`text`] makes of a text.
pub fn text_len(text: &[u8]) -> usize {
    let of = |byte: &u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        control if *control < 0x20 => 6,
        _ => 1,
    };
    text.iter().map(of).sum::<usize>() + 2
}

/// Bytes that should be UTF-8 but may not be, in quotes; each broken sequence becomes U+FFFD.
pub fn text_lossy(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    for chunk in bytes.utf8_chunks() {
        escaped(out, chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    out.push(b'"');
}

fn escaped(out: &mut Vec<u8>, mut rest: &[u8]) {
    loop {
        let clean = clean_prefix(rest);
        let (plain, tail) = rest.split_at_checked(clean).unwrap_or((rest, &[]));
        out.extend_from_slice(plain);
        let Some((&special, tail)) = tail.split_first() else { return };
        escape(out, special);
        rest = tail;
    }
}

/// How many leading bytes need no escape.
fn clean_prefix(bytes: &[u8]) -> usize {
    let mut clean = 0;
    for block in bytes.chunks(BLOCK) {
        let dirty = block.iter().fold(false, |dirty, &byte| dirty | is_special(byte));
        if dirty {
            return clean + block.iter().position(|&byte| is_special(byte)).unwrap_or(0);
        }
        clean += block.len();
    }
    clean
}

#[cold]
fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digit = |nibble: u8| HEX.get(usize::from(nibble & 0xf)).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_text_reads_back_as_it_was(input in ".*|[\\x00-\\x7f]{0,80}") {
            let mut out = Vec::new();
            text(&mut out, &input);
            prop_assert_eq!(text_len(input.as_bytes()), out.len());
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), input);
        }

        #[test]
        fn any_bytes_become_valid_json(input in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut out = Vec::new();
            text_lossy(&mut out, &input);
            let read: String = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(read, String::from_utf8_lossy(&input));
        }
    }
}
