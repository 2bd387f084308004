//! JSON's grammar (RFC 8259), byte by byte, without a tree and without recursion.
//!
//! The text is known to be UTF-8 without bytes below 0x20, so the only white space is the blank, and a string ends at
//! its quote.

use super::{Fault, MAX_DEPTH, Malformed};

/// What is left of the text, or the fault and what was left when it showed.
type Step<'a> = Result<&'a [u8], Wrong<'a>>;

/// A fault where `rest` begins.
pub(super) struct Wrong<'a> {
    fault: Fault,
    rest: &'a [u8],
}

fn wrong<T>(fault: Fault, rest: &[u8]) -> Result<T, Wrong<'_>> {
    // What ends too soon shows at the end, whatever should have stood there.
    let fault = if rest.is_empty() { Fault::Truncated } else { fault };
    Err(Wrong { fault, rest })
}

/// How many objects there are: with a comma between two of them, and nothing else around them.
pub(super) fn objects(text: &[u8], row_bytes: usize) -> Result<u64, Malformed> {
    let place = |wrong: Wrong<'_>| Malformed { fault: wrong.fault, at: text.len() - wrong.rest.len() };
    let mut found = 0;
    let mut rest = text;
    if rest.is_empty() {
        return Ok(0);
    }
    loop {
        let [b'{', inside @ ..] = rest else {
            return Err(place(Wrong { fault: Fault::Between, rest }));
        };
        let after = object(inside).map_err(place)?;
        let bytes = rest.len() - after.len();
        if bytes > row_bytes {
            return Err(place(Wrong { fault: Fault::TooLarge { bytes, limit: row_bytes }, rest }));
        }
        found += 1;
        match after {
            [] => return Ok(found),
            [b',', next @ ..] => rest = next,
            _ => return Err(place(Wrong { fault: Fault::Between, rest: after })),
        }
    }
}

/// The containers that are open, a bit each: set for an object.
struct Open {
    bits: [u64; MAX_DEPTH / 64],
    depth: usize,
}

impl Open {
    fn push(&mut self, is_object: bool) -> bool {
        let Some(word) = self.bits.get_mut(self.depth / 64) else { return false };
        let bit = 1 << (self.depth % 64);
        *word = if is_object { *word | bit } else { *word & !bit };
        self.depth += 1;
        true
    }

    /// Closes the innermost; what the one around it is, if there is one.
    fn pop(&mut self) -> Option<bool> {
        self.depth -= 1;
        let around = self.depth.checked_sub(1)?;
        self.bits.get(around / 64).map(|word| word >> (around % 64) & 1 == 1)
    }
}

/// The text behind an object whose brace was taken already.
fn object(text: &[u8]) -> Step<'_> {
    let mut open = Open { bits: [0; MAX_DEPTH / 64], depth: 0 };
    open.push(true);
    let mut in_object = true;
    let mut rest = blanks(text);
    'opened: loop {
        // Only here a container may end without a comma's having promised more.
        let mut is_empty = matches!((in_object, rest), (true, [b'}', ..]) | (false, [b']', ..]));
        loop {
            if !is_empty {
                if in_object {
                    let [b'"', key @ ..] = rest else { return wrong(Fault::Grammar, rest) };
                    rest = blanks(colon(string(key)?)?);
                }
                match rest {
                    [b'"', text @ ..] => rest = string(text)?,
                    [byte @ (b'{' | b'['), inside @ ..] => {
                        in_object = *byte == b'{';
                        if !open.push(in_object) {
                            return wrong(Fault::Depth, rest);
                        }
                        rest = blanks(inside);
                        continue 'opened;
                    }
                    _ => rest = scalar(rest)?,
                }
            }
            is_empty = false;
            // Whatever ends here, and what ends with it.
            loop {
                rest = blanks(rest);
                match (rest, in_object) {
                    ([b',', next @ ..], _) => {
                        rest = blanks(next);
                        break;
                    }
                    ([b'}', after @ ..], true) | ([b']', after @ ..], false) => {
                        rest = after;
                        match open.pop() {
                            Some(around) => in_object = around,
                            None => return Ok(rest),
                        }
                    }
                    _ => return wrong(Fault::Grammar, rest),
                }
            }
        }
    }
}

fn blanks(mut rest: &[u8]) -> &[u8] {
    while let [b' ', tail @ ..] = rest {
        rest = tail;
    }
    rest
}

/// The text behind a colon, which may have blanks before it.
fn colon(rest: &[u8]) -> Step<'_> {
    match blanks(rest) {
        [b':', tail @ ..] => Ok(tail),
        rest => wrong(Fault::Grammar, rest),
    }
}

/// The text behind a number or a word.
fn scalar(rest: &[u8]) -> Step<'_> {
    match rest {
        [b'-' | b'0'..=b'9', ..] => number(rest),
        [b't', tail @ ..] => word(tail, b"rue"),
        [b'f', tail @ ..] => word(tail, b"alse"),
        [b'n', tail @ ..] => word(tail, b"ull"),
        // What other languages write where JSON has nothing.
        [b'N' | b'I' | b'+' | b'.', ..] => wrong(Fault::Number, rest),
        _ => wrong(Fault::Grammar, rest),
    }
}

fn word<'a>(rest: &'a [u8], word: &[u8]) -> Step<'a> {
    match rest.split_at_checked(word.len()) {
        Some((found, tail)) if found == word => Ok(tail),
        None if word.starts_with(rest) => wrong(Fault::Truncated, &[]),
        _ => wrong(Fault::Grammar, rest),
    }
}

/// The text behind a string whose first quote was taken already.
fn string(mut rest: &[u8]) -> Step<'_> {
    loop {
        rest = plain(rest);
        match rest {
            [b'"', tail @ ..] => return Ok(tail),
            [b'\\', b'u', tail @ ..] => rest = unicode(tail)?,
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', tail @ ..] => rest = tail,
            [b'\\'] | [] => return wrong(Fault::Truncated, &[]),
            [b'\\', ..] => return wrong(Fault::Escape, rest),
            [_, tail @ ..] => rest = tail,
        }
    }
}

/// What is left when bytes that mean themselves are passed over: up to the next quote or backslash, or near it.
fn plain(mut rest: &[u8]) -> &[u8] {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // Eight bytes at once: a byte of `x - ONES & !x` has its high bit set where x has a zero, and nowhere before the
    // first of them (Mycroft's test).
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    while let Some((bytes, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*bytes);
        let found = zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            let at = found.trailing_zeros() as usize / 8;
            return rest.split_at_checked(at).map_or(rest, |(_, tail)| tail);
        }
        rest = tail;
    }
    rest
}

/// The text behind the four digits of a `\u`, and behind the second half of a character that takes two.
fn unicode(rest: &[u8]) -> Step<'_> {
    let (unit, tail) = hex(rest)?;
    match unit {
        0xD800..=0xDBFF => {
            let second = match tail {
                [b'\\', b'u', second @ ..] => second,
                [] | [b'\\'] => return wrong(Fault::Truncated, &[]),
                _ => return wrong(Fault::Escape, tail),
            };
            match hex(second)? {
                (0xDC00..=0xDFFF, tail) => Ok(tail),
                _ => wrong(Fault::Escape, second),
            }
        }
        0xDC00..=0xDFFF => wrong(Fault::Escape, rest),
        _ => Ok(tail),
    }
}

fn hex(rest: &[u8]) -> Result<(u32, &[u8]), Wrong<'_>> {
    let Some((digits, tail)) = rest.split_first_chunk::<4>() else {
        return wrong(Fault::Truncated, &[]);
    };
    let unit = digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?));
    match unit {
        Some(unit) => Ok((unit, tail)),
        None => wrong(Fault::Escape, rest),
    }
}

/// The text behind a number.
fn number(start: &[u8]) -> Step<'_> {
    let unsigned = match start {
        [b'-', tail @ ..] => tail,
        _ => start,
    };
    let mut rest = match unsigned {
        [b'0', b'0'..=b'9', ..] => return wrong(Fault::Number, unsigned),
        [b'0', tail @ ..] => tail,
        _ => digits(unsigned)?,
    };
    if let [b'.', tail @ ..] = rest {
        rest = digits(tail)?;
    }
    match rest {
        [b'e' | b'E', b'+' | b'-', tail @ ..] | [b'e' | b'E', tail @ ..] => digits(tail),
        _ => Ok(rest),
    }
}

/// The text behind one digit or more.
fn digits(rest: &[u8]) -> Step<'_> {
    let [b'0'..=b'9', tail @ ..] = rest else { return wrong(Fault::Number, rest) };
    let mut rest = tail;
    while let [b'0'..=b'9', tail @ ..] = rest {
        rest = tail;
    }
    Ok(rest)
}
