//! `LIKE` patterns and the other text tests.

use connector_model::filter::TextTest;

/// One step of a `LIKE` pattern.
enum Step {
    /// `%`
    Any,
    /// `_`
    One,
    /// This character.
    Exactly(char),
}

/// Whether `text` passes. Letters beyond ASCII keep their case: that is what engines agree on.
pub(crate) fn passes(test: TextTest, text: &str, operand: &str) -> bool {
    let (folded, sought) = (text.to_ascii_lowercase(), operand.to_ascii_lowercase());
    match test {
        TextTest::Like => like(text, operand),
        TextTest::ILike => like(&folded, &sought),
        TextTest::Contains => folded.contains(&sought),
        TextTest::StartsWith => folded.starts_with(&sought),
        TextTest::EndsWith => folded.ends_with(&sought),
    }
}

/// `%` is any run of characters, `_` any one, and a backslash takes the next one literally; a backslash at the end
/// is itself.
fn like(text: &str, pattern: &str) -> bool {
    let mut steps = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        steps.push(match character {
            '%' => Step::Any,
            '_' => Step::One,
            '\\' => Step::Exactly(characters.next().unwrap_or('\\')),
            other => Step::Exactly(other),
        });
    }
    let text: Vec<char> = text.chars().collect();
    // reached.get(n): the steps so far can have taken the first n characters.
    let mut reached = vec![false; text.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for step in &steps {
        let mut next = vec![false; text.len() + 1];
        match step {
            Step::Any => {
                let first = reached.iter().position(|reached| *reached).unwrap_or(next.len());
                next.iter_mut().skip(first).for_each(|place| *place = true);
            }
            Step::One | Step::Exactly(_) => {
                for ((place, before), character) in next.iter_mut().skip(1).zip(&reached).zip(&text) {
                    *place = *before
                        && match step {
                            Step::Exactly(wanted) => wanted == character,
                            Step::Any | Step::One => true,
                        };
                }
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_takes_wildcards_escapes_and_case() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "a%", true),
            ("abc", "A%", false),
            ("abc", "_b_", true),
            ("a%c", "a\\%c", true),
            ("abc", "a\\%c", false),
            ("a\\c", "a\\\\c", true),
            ("a\\", "a\\", true),
            ("日本語", "日_語", true),
            ("aXbXc", "a%b%c", true),
            ("line\nbreak", "line%break", true),
        ] {
            assert_eq!(passes(TextTest::Like, text, pattern), expected, "{text:?} like {pattern:?}");
        }
    }

    #[test]
    fn the_others_fold_ascii_and_take_wildcards_literally() {
        assert!(passes(TextTest::ILike, "ABC", "a_C"));
        assert!(!passes(TextTest::ILike, "É", "é"));
        assert!(passes(TextTest::Contains, "50% OFF", "0% o"));
        assert!(!passes(TextTest::Contains, "500 off", "0% o"));
        assert!(passes(TextTest::StartsWith, "a_b", "A_"));
        assert!(passes(TextTest::EndsWith, "a\\b", "\\B"));
        assert!(passes(TextTest::Contains, "anything", ""));
    }
}
