//! Patterns for `SCAN … MATCH`.

/// A pattern for the keys that begin with `prefix`, letter by letter.
///
/// The special characters of Redis' globs are `* ? [ ] ^ - \`; a backslash takes their meaning away
/// (<https://redis.io/docs/latest/commands/keys/>).
pub fn beginning_with(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 1);
    for character in prefix.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '-' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('*');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_prefix_is_special() {
        assert_eq!(beginning_with("users:"), "users:*");
        assert_eq!(beginning_with("a[b]*?\\^-:"), "a\\[b\\]\\*\\?\\\\\\^\\-:*");
        assert_eq!(beginning_with("日本:"), "日本:*");
    }
}
