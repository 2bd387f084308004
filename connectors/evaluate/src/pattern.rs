//! `LIKE` patterns and the other text tests.

use std::borrow::Cow;

use connector_model::filter::TextTest;

/// One step of a `LIKE` pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// `%`
    Any,
    /// `_`
    One,
    /// This character.
    Exactly(char),
}

/// Which letters lose their case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// Those of ASCII.
    Ascii,
    /// All of them, each for one letter as databases do it: `ß` stays what it is, a `Σ` at the end of a word becomes `σ`.
    Unicode,
}

impl Folding {
    fn fold(self, text: &str) -> String {
        if self == Folding::Ascii || text.is_ascii() {
            return text.to_ascii_lowercase();
        }
        text.chars().map(|letter| letter.to_lowercase().next().unwrap_or(letter)).collect()
    }
}

/// A text test, ready for many texts.
#[derive(Debug)]
pub struct Pattern {
    shape: Shape,
    /// `None` where case counts.
    folding: Option<Folding>,
}

#[derive(Debug)]
enum Shape {
    Like(Vec<Step>),
    Contains(String),
    StartsWith(String),
    EndsWith(String),
}

impl Pattern {
    /// A test with its operand.
    pub fn new(test: TextTest, operand: &str, folding: Folding) -> Pattern {
        let folded = || folding.fold(operand);
        let shape = match test {
            TextTest::Like => Shape::Like(steps(operand)),
            TextTest::ILike => Shape::Like(steps(&folded())),
            TextTest::Contains => Shape::Contains(folded()),
            TextTest::StartsWith => Shape::StartsWith(folded()),
            TextTest::EndsWith => Shape::EndsWith(folded()),
        };
        Pattern { shape, folding: (test != TextTest::Like).then_some(folding) }
    }

    /// Whether the text passes.
    pub fn passes(&self, text: &str) -> bool {
        let text = self.folding.map_or(Cow::Borrowed(text), |folding| folding.fold(text).into());
        match &self.shape {
            Shape::Like(steps) => like(&text, steps),
            Shape::Contains(part) => text.contains(part),
            Shape::StartsWith(part) => text.starts_with(part),
            Shape::EndsWith(part) => text.ends_with(part),
        }
    }
}

/// `%` is any run of characters, `_` any one, and a backslash takes the next one literally; a backslash at the end is
/// itself.
fn steps(pattern: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let step = match character {
            '%' => Step::Any,
            '_' => Step::One,
            '\\' => Step::Exactly(characters.next().unwrap_or('\\')),
            other => Step::Exactly(other),
        };
        // Several in a row are one.
        if step != Step::Any || steps.last() != Some(&Step::Any) {
            steps.push(step);
        }
    }
    steps
}

/// Takes what follows a `%` at the first place it fits, and comes back to try the next: no more steps than the text is
/// long times the pattern.
fn like(text: &str, steps: &[Step]) -> bool {
    let (mut rest, mut at) = (text.chars(), 0);
    let mut again: Option<(std::str::Chars<'_>, usize)> = None;
    loop {
        let before = rest.clone();
        let next = rest.next();
        match (steps.get(at), next) {
            (None, None) => return true,
            (Some(Step::Any), _) => {
                at += 1;
                rest = before.clone();
                again = Some((before, at));
            }
            (Some(Step::One), Some(_)) => at += 1,
            (Some(Step::Exactly(wanted)), Some(character)) if *wanted == character => at += 1,
            _ => {
                let Some((place, step)) = &mut again else { return false };
                if place.next().is_none() {
                    return false;
                }
                rest = place.clone();
                at = *step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(test: TextTest, text: &str, operand: &str) -> bool {
        Pattern::new(test, operand, Folding::Ascii).passes(text)
    }

    #[test]
    fn like_takes_wildcards_escapes_and_case() {
        for (text, pattern, expected) in [
            ("", "", true),
            ("", "%", true),
            ("", "_", false),
            ("abc", "a%", true),
            ("abc", "A%", false),
            ("abc", "_b_", true),
            ("abc", "ab", false),
            ("a%c", "a\\%c", true),
            ("abc", "a\\%c", false),
            ("a\\c", "a\\\\c", true),
            ("a\\", "a\\", true),
            ("日本語", "日_語", true),
            ("aXbXbc", "a%b%c", true),
            ("abcabd", "%abd", true),
            ("line\nbreak", "line%%break", true),
        ] {
            assert_eq!(passes(TextTest::Like, text, pattern), expected, "{text:?} like {pattern:?}");
        }
    }

    #[test]
    fn a_pattern_of_many_wildcards_ends() {
        let text = "a".repeat(2_000);
        assert!(!passes(TextTest::Like, &text, &("%a".repeat(500) + "b")));
    }

    #[test]
    fn letters_beyond_ascii_are_folded_where_the_database_does_it() {
        for (test, text, operand, expected) in [
            (TextTest::ILike, "ÉCOLE", "éc_le", true),
            (TextTest::Contains, "ΟΔΟΣ 5", "οδοσ", true),
            (TextTest::StartsWith, "Жук", "ж", true),
            (TextTest::EndsWith, "STRASSE", "ße", false),
            (TextTest::EndsWith, "İ", "_", false),
            (TextTest::ILike, "İ", "_", true),
            (TextTest::Contains, "école", "ecole", false),
            (TextTest::Like, "École", "é%", false),
        ] {
            let found = Pattern::new(test, operand, Folding::Unicode).passes(text);
            assert_eq!(found, expected, "{text:?} {test:?} {operand:?}");
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
