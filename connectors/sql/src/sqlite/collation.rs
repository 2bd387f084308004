//! By what a column's texts are compared, of the table's own `CREATE TABLE`: no pragma says it.

use std::iter::Peekable;
use std::str::Chars;

/// What texts are compared by where nobody says (sqlite.org/datatype3.html, 7.1).
const BINARY: &str = "BINARY";

/// The collation that a `CREATE TABLE` gives a column; `BINARY` where it gives none. The text is one that SQLite
/// accepted, and kept.
pub fn column_collation(create_table: &str, column: &str) -> String {
    let mut tokens = Tokens { characters: create_table.chars().peekable() };
    // Everything up to the list of columns.
    for token in tokens.by_ref() {
        if token == Token::Sign('(') {
            break;
        }
    }
    let (mut depth, mut begins, mut within, mut named) = (0_usize, true, false, false);
    let mut found = None;
    for token in tokens {
        match token {
            Token::Sign('(') => depth += 1,
            Token::Sign(')') if depth == 0 => break,
            Token::Sign(')') => depth -= 1,
            Token::Sign(',') if depth == 0 => {
                (begins, within, named) = (true, false, false);
                continue;
            }
            Token::Name(name) if begins => within = name.eq_ignore_ascii_case(column),
            Token::Name(name) if depth == 0 && within && named => found = Some(name),
            Token::Name(ref name) if depth == 0 && within && name.eq_ignore_ascii_case("COLLATE") => {
                (begins, named) = (false, true);
                continue;
            }
            _ => {}
        }
        (begins, named) = (false, false);
    }
    found.unwrap_or_else(|| BINARY.to_owned())
}

#[derive(Debug, PartialEq)]
enum Token {
    /// A word or a quoted name; texts in single quotes too, which SQLite takes for names where it expects one.
    Name(String),
    /// Any other character.
    Sign(char),
}

struct Tokens<'t> {
    characters: Peekable<Chars<'t>>,
}

impl Tokens<'_> {
    fn quoted(&mut self, closing: char) -> String {
        let mut name = String::new();
        while let Some(character) = self.characters.next() {
            if character != closing {
                name.push(character);
            } else if closing != ']' && self.characters.next_if_eq(&closing).is_some() {
                name.push(closing);
            } else {
                break;
            }
        }
        name
    }

    fn comment(&mut self) {
        let mut before = ' ';
        for character in self.characters.by_ref() {
            if (before, character) == ('*', '/') {
                break;
            }
            before = character;
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let word = |character: &char| {
            character.is_alphanumeric() || matches!(character, '_' | '$') || !character.is_ascii()
        };
        loop {
            let character = self.characters.next()?;
            return Some(match character {
                _ if character.is_ascii_whitespace() => continue,
                '-' if self.characters.next_if_eq(&'-').is_some() => {
                    for character in self.characters.by_ref() {
                        if character == '\n' {
                            break;
                        }
                    }
                    continue;
                }
                '/' if self.characters.next_if_eq(&'*').is_some() => {
                    self.comment();
                    continue;
                }
                '"' | '`' | '\'' => Token::Name(self.quoted(character)),
                '[' => Token::Name(self.quoted(']')),
                _ if word(&character) => {
                    let mut name = String::from(character);
                    while let Some(character) = self.characters.next_if(|character| word(character)) {
                        name.push(character);
                    }
                    Token::Name(name)
                }
                _ => Token::Sign(character),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_has_its_own() {
        let sql = "CREATE TABLE \"t (a\" (id INTEGER PRIMARY KEY, -- COLLATE x, \n\
                   a TEXT NOT NULL CoLLate nocase UNIQUE, \"b, c\" TEXT DEFAULT ('x' COLLATE RTRIM), \
                   `e``f` VARCHAR(10, 2) COLLATE \"my own\" CHECK (a <> 'it''s, COLLATE nocase'), \
                   /* COLLATE nocase, */ g TEXT, collate_ TEXT, UNIQUE (g COLLATE NOCASE))";
        for (column, collation) in [
            ("id", "BINARY"),
            ("A", "nocase"),
            ("b, c", "BINARY"),
            ("e`f", "my own"),
            ("g", "BINARY"),
            ("collate_", "BINARY"),
            ("none", "BINARY"),
        ] {
            assert_eq!(column_collation(sql, column), collation, "{column}");
        }
    }

    #[test]
    fn no_text_is_too_odd_to_be_read() {
        for sql in
            ["", "(", "CREATE TABLE t AS SELECT 1", "CREATE VIRTUAL TABLE t USING fts5(a, b)", "('a", "(a /*"]
        {
            assert_eq!(column_collation(sql, "a"), "BINARY", "{sql}");
        }
    }
}
