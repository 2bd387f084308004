//! What is odd about the configured sources. Nothing here stops a runner; all of it surprises somebody later.

use std::fmt;

/// Something that works, or does not matter, but is probably not what was meant. `Display` is the sentence for the
/// log and for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceWarning {
    /// Two names are spelled alike in variables.
    SameVariables {
        /// The names.
        sources: [String; 2],
        /// What their variables begin with.
        prefix: String,
    },
    /// Two names that differ in nothing but what separates their words; one of them may be a misspelling.
    Alike {
        /// The names.
        sources: [String; 2],
    },
    /// A variable that no source reads.
    Unused {
        /// Its name.
        variable: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// A variable of a source whose connector has no such setting.
    UnknownKey {
        /// The source.
        source: String,
        /// The variable's name.
        variable: String,
        /// What may have been meant.
        nearest: Option<String>,
    },
    /// An assigned source whose credentials should be here and are not.
    NotConfigured {
        /// The source.
        source: String,
        /// The variable that is expected.
        expected: String,
        /// Variables that look like a misspelling of it.
        nearly: Vec<String>,
    },
    /// A source whose configuration the gateway holds, and that has variables too; they are not read.
    ManagedWithVariables {
        /// The source.
        source: String,
        /// The variables' names.
        variables: Vec<String>,
    },
    /// A variable that could belong to either of two sources.
    Ambiguous {
        /// The variable's name.
        variable: String,
        /// Whose it is: the longer name's.
        owner: String,
        /// Whose it is not.
        other: String,
    },
}

impl fmt::Display for SourceWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceWarning::SameVariables { sources: [one, two], prefix } => {
                write!(f, "the sources \"{one}\" and \"{two}\" both read {prefix}…; rename one of them")
            }
            SourceWarning::Alike { sources: [one, other] } => write!(
                f,
                "the sources \"{one}\" and \"{other}\" are spelled alike but for separators; if they are meant to be one, name both like the assigned one"
            ),
            SourceWarning::Unused { variable, nearest } => {
                write!(f, "{variable} is set, and no source reads it")?;
                meant(f, nearest.as_deref())
            }
            SourceWarning::UnknownKey { source, variable, nearest } => {
                write!(f, "{variable} is no setting of the source \"{source}\"")?;
                meant(f, nearest.as_deref())
            }
            SourceWarning::NotConfigured { source, expected, nearly } => {
                write!(
                    f,
                    "the source \"{source}\" is assigned to this runner and not configured: set {expected}"
                )?;
                if !nearly.is_empty() {
                    write!(f, " (set, but not read: {})", nearly.join(", "))?;
                }
                Ok(())
            }
            SourceWarning::ManagedWithVariables { source, variables } => {
                let list = variables.join(", ");
                write!(f, "the source \"{source}\" is configured by the gateway; not read: {list}")
            }
            SourceWarning::Ambiguous { variable, owner, other } => {
                write!(f, "{variable} is taken as a setting of \"{owner}\", not of \"{other}\"")
            }
        }
    }
}

fn meant(f: &mut fmt::Formatter<'_>, nearest: Option<&str>) -> fmt::Result {
    match nearest {
        Some(nearest) => write!(f, "; did you mean {nearest}?"),
        None => Ok(()),
    }
}
