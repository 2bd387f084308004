//! Names with `*` in them.

/// A name in which `*` stands for any run of characters, the empty one too. Names are compared without regard to case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wildcard {
    /// What stands between the stars, in lower case; one part is a name without any.
    parts: Vec<Box<str>>,
}

impl Wildcard {
    /// A pattern: each `*` of it is a wildcard.
    pub fn new(pattern: &str) -> Self {
        Wildcard { parts: pattern.split('*').map(|part| part.to_lowercase().into_boxed_str()).collect() }
    }

    /// A name that is meant letter by letter, its stars included.
    pub fn literal(name: &str) -> Self {
        Wildcard { parts: vec![name.to_lowercase().into_boxed_str()] }
    }

    /// The one name that it fits, in lower case, if it has no wildcard.
    pub fn name(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [name] => Some(name),
            _ => None,
        }
    }

    /// Whether every name fits.
    pub fn is_any(&self) -> bool {
        self.parts.len() > 1 && self.parts.iter().all(|part| part.is_empty())
    }

    /// Whether a name fits. Takes time in proportion to the name's length times the number of wildcards.
    pub fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let Some((first, rest)) = self.parts.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return name == **first };
        let Some(mut inner) = name.strip_prefix(&**first) else { return false };
        // The earliest place of each part leaves the most for those behind it.
        for part in middle {
            let Some(found) = inner.find(&**part) else { return false };
            inner = inner.get(found + part.len()..).unwrap_or_default();
        }
        inner.ends_with(&**last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_star_is_any_run_and_case_does_not_count() {
        for (pattern, fits, does_not) in [
            ("users", vec!["users", "USERS", "Users"], vec!["user", "userss", ""]),
            ("*", vec!["", "a", "a.b"], vec![]),
            ("user*", vec!["user", "Users"], vec!["auser"]),
            ("*_token", vec!["_token", "api_TOKEN"], vec!["token", "api_token_"]),
            ("a*b*c", vec!["abc", "axbxbxc"], vec!["acb", "ab", "abcd"]),
            ("a*a", vec!["aa", "aba"], vec!["a"]),
            ("Ä*", vec!["ärger", "ÄRGER"], vec!["a"]),
        ] {
            let pattern = Wildcard::new(pattern);
            assert!(fits.iter().all(|name| pattern.matches(name)), "{pattern:?}");
            assert!(!does_not.iter().any(|name| pattern.matches(name)), "{pattern:?}");
        }
        assert!(Wildcard::literal("a*").matches("A*") && !Wildcard::literal("a*").matches("ab"));
        assert!(Wildcard::new("**").is_any() && !Wildcard::new("").is_any() && !Wildcard::new("a*").is_any());
        assert_eq!((Wildcard::new("Ab").name(), Wildcard::new("a*").name()), (Some("ab"), None));
    }

    /// By trying every place.
    fn slow(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|skipped| slow(rest, &name[skipped..])),
            Some((letter, rest)) => name.first() == Some(letter) && slow(rest, &name[1..]),
        }
    }

    proptest! {
        #[test]
        fn matching_is_what_trying_every_place_finds(pattern in "[ab*]{0,8}", name in "[ab]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(Wildcard::new(&pattern).matches(&name), slow(&chars(&pattern), &chars(&name)));
        }
    }
}
