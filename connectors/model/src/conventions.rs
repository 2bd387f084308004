//! How databases differ in what their rows mean.

use serde::{Deserialize, Serialize};

use crate::manifest::Text;

/// What of a database's ways matters to whoever computes with the rows that its connector writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Conventions {
    /// Whether NULL comes behind every value in an ascending order. Elsewhere it comes before them.
    pub nulls_last: bool,
    /// Whether moments are kept in columns of text, for want of a type of their own.
    pub moments_in_text: bool,
    /// Whether text tests that ignore case ignore it for letters beyond ASCII too.
    pub folds_beyond_ascii: bool,
    /// The native types of floating-point numbers of single precision, without what may stand behind the first word.
    /// Their digits in JSON say less than their value in double precision.
    pub single_precision: Vec<Text>,
}

impl Conventions {
    /// Whether a column of this native type holds numbers of single precision.
    pub fn is_single(&self, native_type: &str) -> bool {
        let word = native_type.split(['(', ' ']).next().unwrap_or_default();
        self.single_precision.iter().any(|single| single.eq_ignore_ascii_case(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_its_first_word() {
        let conventions = Conventions { single_precision: vec!["float".into()], ..Conventions::default() };
        for (native, single) in [
            ("float", true),
            ("FLOAT(7,3)", true),
            ("float unsigned", true),
            ("double", false),
            ("float8", false),
        ] {
            assert_eq!(conventions.is_single(native), single, "{native}");
        }
        assert!(!Conventions::default().is_single(""));
    }
}
