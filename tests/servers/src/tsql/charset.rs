//! The character set of `char` and `varchar` in the double's collations: Windows code page 1252.

/// What the bytes 0x80 to 0x9f stand for; the undefined ones stand for control characters.
const HIGH: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The byte for a character, if the code page has it.
pub(crate) fn byte(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ (0..=0x7f | 0xa0..=0xff) => u8::try_from(code).ok(),
        _ => HIGH.iter().position(|known| *known == character).and_then(|at| u8::try_from(at + 0x80).ok()),
    }
}

/// The text as bytes; what the code page does not have is a question mark.
pub(crate) fn encode(text: &str) -> Vec<u8> {
    text.chars().map(|character| byte(character).unwrap_or(b'?')).collect()
}

/// The text of these bytes.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let character = |byte: &u8| match byte {
        0x80..=0x9f => HIGH.get(usize::from(byte - 0x80)).copied().unwrap_or('?'),
        byte => char::from(*byte),
    };
    bytes.iter().map(character).collect()
}

/// The text as far as the code page has it.
pub(crate) fn narrow(text: &str) -> String {
    text.chars().map(|character| if byte(character).is_some() { character } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_character() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(encode(&decode(&all)), all);
        assert_eq!(narrow("ñ€日"), "ñ€?");
    }
}
