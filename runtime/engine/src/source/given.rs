//! A setting's text, and where it is from.

use zeroize::Zeroizing;

/// A setting's text and the variable or file entry it is from.
pub(super) struct Given {
    pub(super) text: Zeroizing<String>,
    pub(super) from: String,
    place: Place,
}

enum Place {
    Variable,
    /// A variable that names a file with the value.
    SecretFile(String),
    File,
}

/// Where a source's setting is from, in the words by which somebody finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingOrigin {
    /// A variable.
    Variable(String),
    /// The `_FILE` form of a variable, and the file that it names.
    SecretFile {
        /// The variable.
        variable: String,
        /// The file with the value.
        path: String,
    },
    /// An entry of the configuration file: `[sources.shop] url`.
    File(String),
}

impl Given {
    /// What a variable says, or the file at `path` that it names.
    pub(super) fn of_variable(text: Zeroizing<String>, name: &str, path: Option<String>) -> Given {
        let place = path.map_or(Place::Variable, Place::SecretFile);
        Given { text, from: name.to_owned(), place }
    }

    /// What an entry of the configuration file says.
    pub(super) fn of_file(text: Zeroizing<String>, entry: &str) -> Given {
        Given { text, from: entry.to_owned(), place: Place::File }
    }

    pub(super) fn is_variable(&self) -> bool {
        !matches!(self.place, Place::File)
    }

    pub(super) fn origin(self) -> SettingOrigin {
        match self.place {
            Place::Variable => SettingOrigin::Variable(self.from),
            Place::SecretFile(path) => SettingOrigin::SecretFile { variable: self.from, path },
            Place::File => SettingOrigin::File(self.from),
        }
    }
}
