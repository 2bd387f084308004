//! A figure, and what it has to be.

use serde::Serialize;

/// What a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Target {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl Target {
    fn holds(self, value: f64) -> bool {
        match self {
            Target::AtLeast(bound) => value >= bound,
            Target::AtMost(bound) => value <= bound,
        }
    }
}

/// One measured value.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Figure {
    /// What it is, in words.
    pub(crate) what: String,
    /// Its value, in `unit`. A figure that came out as no number never holds its target.
    pub(crate) value: f64,
    /// What the value counts; empty for a ratio.
    pub(crate) unit: &'static str,
    /// What it has to be; nothing for a floor or a note.
    pub(crate) target: Option<Target>,
    /// Whether missing the target fails the run.
    pub(crate) gates: bool,
    /// The absolute numbers behind it.
    pub(crate) note: String,
    /// Where to look when the target is missed.
    pub(crate) hint: &'static str,
}

impl Figure {
    /// A value without a target.
    pub(crate) fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Figure { what: what.into(), value, unit, target: None, gates: false, note: String::new(), hint: "" }
    }

    /// A value that should be `bound` or more.
    pub(crate) fn at_least(mut self, bound: f64) -> Self {
        self.target = Some(Target::AtLeast(bound));
        self
    }

    /// A value that should be `bound` or less.
    pub(crate) fn at_most(mut self, bound: f64) -> Self {
        self.target = Some(Target::AtMost(bound));
        self
    }

    /// Missing the target fails the run.
    pub(crate) fn gating(mut self) -> Self {
        self.gates = true;
        self
    }

    /// The absolute numbers behind it.
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// Where to look when the target is missed.
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// Whether it falls short of its target.
    pub(crate) fn misses(&self) -> bool {
        self.target.is_some_and(|target| !target.holds(self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_itself_holds_and_no_number_never_does() {
        assert!(!Figure::new("a", 0.7, "").at_least(0.7).misses());
        assert!(Figure::new("a", 0.69, "").at_least(0.7).misses());
        assert!(!Figure::new("a", 60.0, "µs").at_most(60.0).misses());
        assert!(Figure::new("a", 60.1, "µs").at_most(60.0).misses());
        assert!(Figure::new("a", f64::NAN, "").at_least(0.7).misses());
        assert!(Figure::new("a", f64::NAN, "").at_most(0.7).misses());
        assert!(!Figure::new("a", 1.0, "").misses());
    }
}
