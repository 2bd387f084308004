//! Text from a guest, fit to be printed.

/// The text with everything escaped that a terminal would act on, and no longer than `longest` characters: what is cut
/// off is marked.
pub(crate) fn shown(text: &str, longest: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(longest));
    for (at, c) in text.chars().enumerate() {
        if at == longest {
            shown.push('…');
            break;
        }
        match c {
            '\t' => shown.push(' '),
            '\n' => shown.push_str("\\n"),
            c if acts(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Control characters, and those that change the direction of text or take no space: they make a line look like another.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        assert_eq!(shown("a\u{1b}[2Jb\r\nc\td", 99), "a\\u{1b}[2Jb\\u{d}\\nc d");
        assert_eq!(shown("x\u{202e}y\u{9b}z\u{7f}", 99), "x\\u{202e}y\\u{9b}z\\u{7f}");
        assert_eq!(shown("größe", 3), "grö…");
        assert_eq!(shown("größe", 5), "größe");
    }

    proptest! {
        #[test]
        fn nothing_printed_acts(text: String, longest in 0..50_usize) {
            let shown = shown(&text, longest);
            prop_assert!(!shown.chars().any(acts));
            // The longest escape is `\u{10ffff}`.
            prop_assert!(shown.chars().count() <= longest * 10 + 1);
        }
    }
}
