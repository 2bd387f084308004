//! Optional parts of the protocol. The runner offers names in `hello`, the gateway answers with those it
//! has too; a name that only one side knows is never in effect.

/// Per-job send windows and the `credit` frame.
pub const CREDIT: &str = "credit";

/// The `draining` frame.
pub const DRAIN: &str = "drain";

/// A session that only asks whether it would be accepted, and is never given a job.
pub const PROBE: &str = "probe";

/// The names that both sides have, in the order of `ours`.
#[must_use]
pub fn in_common(ours: &[&str], theirs: &[String]) -> Vec<String> {
    ours.iter().filter(|name| has(theirs, name)).map(|name| (*name).to_owned()).collect()
}

/// Whether `name` is among `features`.
#[must_use]
pub fn has(features: &[String], name: &str) -> bool {
    features.iter().any(|feature| feature == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_only_one_side_knows_is_not_in_effect() {
        let theirs = ["credit".to_owned(), "teleport".to_owned()];
        assert_eq!(in_common(&[CREDIT, DRAIN], &theirs), ["credit"]);
        assert!(in_common(&[], &theirs).is_empty());
    }
}
