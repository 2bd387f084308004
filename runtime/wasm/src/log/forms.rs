//! The forms in which programs print a secret.

use connector_model::json;
use connector_model::url::decoded;
use zeroize::Zeroizing;

/// The shortest text that is hidden, in bytes. A password of three bytes is a part of so many words that hiding it would
/// spoil every line, and show by the gaps what it is.
pub(super) const SHORTEST: usize = 4;

/// The shortest run of base64 that is hidden for what it stands for: eight characters are six bytes.
const SHORTEST_RUN: usize = 8;

/// A secret in all its forms.
pub(super) type Forms = Vec<Zeroizing<String>>;

/// Keeps a password or a token in every form: as it is, line by line, decoded, as JSON and a program's debug output
/// write it, percent-encoded, and within whatever base64 it lies.
pub(super) fn keep(secret: &str, found: &mut Forms) {
    let plain = Zeroizing::new(decoded(secret));
    for text in [secret, &plain] {
        keep_written(text, found);
        // What prints a key of several lines makes several lines of it.
        if text.contains('\n') {
            text.lines().map(str::trim).for_each(|line| keep_text(line, found));
        }
        for shift in 0..3 {
            keep_base64(&run_within(text.as_bytes(), shift), SHORTEST_RUN, found);
        }
        keep_base64(&encoded(text.as_bytes()), SHORTEST, found);
    }
}

/// Keeps what a login by `Basic` sends for a user and a password.
pub(super) fn keep_login(user: &str, password: &str, found: &mut Forms) {
    let login = Zeroizing::new(format!("{user}:{password}"));
    keep_base64(&encoded(login.as_bytes()), SHORTEST, found);
}

/// The text, and how it is written within other texts.
fn keep_written(text: &str, found: &mut Forms) {
    let json = Zeroizing::new(serde_json::Value::from(text).to_string());
    let debug = Zeroizing::new(format!("{text:?}"));
    let quoted =
        |text: &str| Zeroizing::new(text.get(1..text.len().saturating_sub(1)).unwrap_or_default().to_owned());
    keep_text(text, found);
    keep_text(&quoted(&json), found);
    keep_text(&quoted(&debug), found);
    // Slashes and the marks beside them are left as they are by some, and digits are written in either case.
    for safe in [&b"-._~"[..], b"-._~/:@!$&'()*+,;="] {
        let upper = percent_encoded(text, safe);
        keep_text(&upper, found);
        keep_text(&lower_digits(&upper), found);
        keep_text(&Zeroizing::new(upper.replace("%20", "+")), found);
    }
}

fn keep_text(text: &str, found: &mut Forms) {
    if text.len() >= SHORTEST && !found.iter().any(|known| known.as_str() == text) {
        found.push(Zeroizing::new(text.to_owned()));
    }
}

/// Keeps base64 in both of its alphabets, without what fills it up.
fn keep_base64(text: &str, shortest: usize, found: &mut Forms) {
    let text = text.trim_end_matches('=');
    if text.len() >= shortest {
        keep_text(text, found);
        keep_text(&Zeroizing::new(text.replace('+', "-").replace('/', "_")), found);
    }
}

fn encoded(bytes: &[u8]) -> Zeroizing<String> {
    let mut quoted = Zeroizing::new(Vec::new());
    json::base64(&mut quoted, bytes);
    let text = String::from_utf8_lossy(&quoted);
    Zeroizing::new(text.trim_matches('"').to_owned())
}

/// What the bytes are in base64 wherever they lie `shift` bytes behind a boundary: the characters that nothing before or
/// behind them changes.
fn run_within(bytes: &[u8], shift: usize) -> Zeroizing<String> {
    let mut padded = Zeroizing::new(vec![0; shift]);
    padded.extend_from_slice(bytes);
    let whole = encoded(&padded);
    // Six bits a character: those that hold a bit of what stands before or behind are left out.
    let (first, end) = ((shift * 8).div_ceil(6), padded.len() * 8 / 6);
    Zeroizing::new(whole.get(first..end).unwrap_or_default().to_owned())
}

fn percent_encoded(text: &str, safe: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = Zeroizing::new(String::with_capacity(text.len() * 3));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || safe.contains(&byte) {
            encoded.push(char::from(byte));
            continue;
        }
        encoded.push('%');
        for digit in [byte >> 4, byte & 15] {
            encoded.extend(DIGITS.get(usize::from(digit)).copied().map(char::from));
        }
    }
    encoded
}

/// The same with the hexadecimal digits in lower case.
fn lower_digits(encoded: &str) -> Zeroizing<String> {
    let mut digits = 0;
    let lowered = encoded.chars().map(|c| {
        let is_digit = digits > 0;
        digits = if c == '%' { 2 } else { digits - usize::from(is_digit) };
        if is_digit { c.to_ascii_lowercase() } else { c }
    });
    Zeroizing::new(lowered.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(secret: &str) -> Vec<String> {
        let mut found = Vec::new();
        keep(secret, &mut found);
        found.iter().map(|form| form.to_string()).collect()
    }

    #[test]
    fn a_secret_is_known_percent_encoded_as_everybody_writes_it() {
        let forms = forms("p@ss/w ö");
        for form in ["p%40ss%2Fw%20%C3%B6", "p%40ss%2fw%20%c3%b6", "p%40ss%2Fw+%C3%B6", "p@ss/w%20%C3%B6"] {
            assert!(forms.iter().any(|known| known == form), "{form}: {forms:?}");
        }
    }

    #[test]
    fn a_secret_is_known_within_base64_wherever_it_lies() {
        let secret = "correct-horse?>battery";
        let forms = forms(secret);
        for before in ["", "u:", "ann:", "annabel:"] {
            for behind in ["", ":", "\n", "etc"] {
                let whole = encoded(format!("{before}{secret}{behind}").as_bytes());
                for text in [whole.to_string(), whole.replace('+', "-").replace('/', "_")] {
                    let known =
                        forms.iter().filter(|form| text.contains(form.as_str())).map(String::len).max();
                    // All but the characters that others share.
                    assert!(
                        known.is_some_and(|known| known + 2 >= secret.len() * 8 / 6),
                        "{text}: {known:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_too_short_is_not_hidden_in_any_form() {
        assert!(forms("abc").iter().all(|form| form.len() >= SHORTEST));
        assert!(!forms("abc").contains(&"abc".to_owned()));
        assert!(forms("").is_empty());
    }
}
