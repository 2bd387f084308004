//! Where the parts of a JSON text end. The text is known to be JSON; what is not is noticed where it matters, not
//! everywhere.

use std::borrow::Cow;

/// The first position from `at` on that is no white space.
pub(crate) fn after_space(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).unwrap_or(rest.len())
}

/// The position behind the string that begins at `at` with its quote.
pub(super) fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let mut at = at.checked_add(1)?;
    loop {
        let special = at + memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        match text.get(special)? {
            b'"' => return Some(special + 1),
            // Whatever is escaped, it is no end.
            _ => at = special + 2,
        }
    }
}

/// The position behind the value that begins at `at`; nothing is nested on the stack.
pub(crate) fn value_end(text: &[u8], at: usize) -> Option<usize> {
    match text.get(at)? {
        b'"' => string_end(text, at),
        b'{' | b'[' => nested_end(text, at),
        _ => {
            let rest = text.get(at..)?;
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            let length = rest.iter().position(ends).unwrap_or(rest.len());
            (length > 0).then_some(at + length)
        }
    }
}

fn nested_end(text: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match text.get(at)? {
            b'"' => {
                at = string_end(text, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
}

/// The characters of a string, given what stands between its quotes; `None` when an escape is none of JSON's. Half a
/// surrogate pair becomes U+FFFD: it is no character.
pub(super) fn unescaped(inner: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(first) = memchr::memchr(b'\\', inner) else { return Some(Cow::Borrowed(inner)) };
    let (clean, mut rest) = inner.split_at_checked(first)?;
    let mut out = clean.to_vec();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let (&escaped, tail) = rest.split_first()?;
        rest = tail;
        out.push(match escaped {
            b'"' | b'\\' | b'/' => escaped,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let character;
                (character, rest) = code_point(rest)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        });
    }
    Some(Cow::Owned(out))
}

/// The character of a `\u` escape, whose digits come next, and what follows it.
fn code_point(rest: &[u8]) -> Option<(char, &[u8])> {
    let (unit, rest) = code_unit(rest)?;
    if let Some(character) = char::from_u32(unit) {
        return Some((character, rest));
    }
    let paired = rest.strip_prefix(b"\\u").and_then(code_unit);
    match paired {
        Some((low @ 0xDC00..=0xDFFF, after)) if unit < 0xDC00 => {
            let both = 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
            Some((char::from_u32(both)?, after))
        }
        _ => Some((char::REPLACEMENT_CHARACTER, rest)),
    }
}

fn code_unit(rest: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = rest.split_at_checked(4)?;
    let unit = digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))?;
    Some((unit, rest))
}
