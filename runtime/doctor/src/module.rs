//! A connector module: whether it loads, which file it is, what it asks for and what it gets.

use crate::check::{Area, Check, Status};

/// A module's file, as loading it found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleSubject {
    /// What the operator calls it.
    pub name: String,
    /// What it is, or why it is not loaded.
    pub found: Result<ModuleFacts, ModuleFault>,
}

/// A module that loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFacts {
    /// Its bridge name, its version and its file.
    pub loads: String,
    /// What else is to be known of it, each with its name: `sha256`, `contract`, `imports`, `granted`, …
    pub facts: Vec<(&'static str, String)>,
}

/// A module that does not load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleFault {
    /// Its file, and what is wrong.
    pub text: String,
    /// What to do about it.
    pub remedy: String,
}

/// The findings of one module.
pub fn checks(subject: ModuleSubject) -> Vec<Check> {
    let ModuleSubject { name, found } = subject;
    let check =
        |what: &str, status, text: String| Check::new(Area::Connector(name.clone()), what, status, text);
    match found {
        Ok(ModuleFacts { loads, facts }) => {
            let loads = check("loads", Status::Passed, loads);
            let facts = facts.into_iter().map(|(what, text)| check(what, Status::Passed, text));
            std::iter::once(loads).chain(facts).collect()
        }
        Err(ModuleFault { text, remedy }) => {
            vec![check("loads", Status::Failed, text).with_remedy(Some(remedy))]
        }
    }
}
