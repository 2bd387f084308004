//! Patterns of `LIKE`.

/// The pattern with a backslash before nothing but `%`, `_` and itself: before another character it would stand for
/// itself here (documentation, "Functions for searching in strings": `like`).
pub(super) fn pattern(like: &str) -> String {
    let mut out = String::with_capacity(like.len() + 8);
    let mut characters = like.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            out.push(character);
            continue;
        }
        let literal = characters.next().unwrap_or('\\');
        if matches!(literal, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(literal);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_it_is_escaped() {
        assert_eq!(pattern(r"a\%b\_c\\d\e%_"), r"a\%b\_c\\de%_");
        assert_eq!(pattern(r"end\"), r"end\\");
    }
}
