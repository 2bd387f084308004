//! Halves of characters in JSON: `"\ud83e"` is grammar to some writers, and no text to any reader.

use std::borrow::Cow;

/// The JSON text with `\ufffd` in the place of every escape that is half of a character.
pub fn mended(json: &str) -> Cow<'_, str> {
    // Nearly no text has an escape at all, and looking for one byte costs least.
    if !json.as_bytes().contains(&b'\\') {
        return Cow::Borrowed(json);
    }
    let mut mended: Option<String> = None;
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = json.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        let Some(unit) = unit(json, start) else {
            // Some other escape: what follows its backslash is no escape's beginning.
            at = start + 2;
            continue;
        };
        let end = start + ESCAPE;
        at = match unit {
            0xd800..=0xdbff if self::unit(json, end).is_some_and(|low| (0xdc00..=0xdfff).contains(&low)) => {
                end + ESCAPE
            }
            0xd800..=0xdfff => {
                let out = mended.get_or_insert_default();
                out.push_str(json.get(copied..start).unwrap_or_default());
                out.push_str("\\ufffd");
                copied = end;
                end
            }
            _ => end,
        };
    }
    match mended {
        None => Cow::Borrowed(json),
        Some(mut out) => {
            out.push_str(json.get(copied..).unwrap_or_default());
            Cow::Owned(out)
        }
    }
}

/// How long `\u0041` is.
const ESCAPE: usize = 6;

/// The number of an escape `\uXXXX` that begins there.
fn unit(json: &str, at: usize) -> Option<u32> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_replaced_and_nothing_else() {
        for (json, right) in [
            (r#""plain""#, r#""plain""#),
            (r#""\ud83e\udd80""#, r#""\ud83e\udd80""#),
            (r#""\ud83e""#, r#""\ufffd""#),
            (r#""\udd80\ud83e\ud83e\udd80x""#, r#""\ufffd\ufffd\ud83e\udd80x""#),
            (r#""\\ud83e \\\ud83e""#, r#""\\ud83e \\\ufffd""#),
            (r#"{"\ud800": ["\n\u0041", 1]}"#, r#"{"\ufffd": ["\n\u0041", 1]}"#),
            (r#""é\ud800é\"\\""#, r#""é\ufffdé\"\\""#),
        ] {
            assert_eq!(mended(json), right, "{json}");
            serde_json::from_str::<serde_json::Value>(&mended(json)).unwrap();
        }
    }
}
