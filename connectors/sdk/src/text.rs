//! Texts that are joined when a connector is compiled: what the macros write calls these.

/// How long the pieces are together.
pub const fn length(mut pieces: &[&str]) -> usize {
    let mut length = 0;
    while let Some((piece, rest)) = pieces.split_first() {
        length += piece.len();
        pieces = rest;
    }
    length
}

/// The pieces, one behind the other; `N` is their [`length`].
pub const fn join<const N: usize>(mut pieces: &[&str]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut open: &mut [u8] = &mut bytes;
    while let Some((piece, rest)) = pieces.split_first() {
        let (place, behind) = open.split_at_mut(piece.len());
        place.copy_from_slice(piece.as_bytes());
        open = behind;
        pieces = rest;
    }
    bytes
}

/// The bytes of joined texts as one.
pub const fn whole(bytes: &'static [u8]) -> &'static str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        // Whole texts, one behind the other, are a text.
        Err(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIECES: &[&str] = &["a", "", "ü", "bc"];
    const BYTES: [u8; length(PIECES)] = join(PIECES);

    #[test]
    fn pieces_are_joined_in_their_order() {
        assert_eq!(whole(&BYTES), "aübc");
    }
}
