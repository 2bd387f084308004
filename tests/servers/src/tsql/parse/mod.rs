//! Parses T-SQL. Whatever is not known here is an error: nothing is skipped over.

mod ddl;
mod expr;
mod query;
mod statement;
mod types;

use super::ast::{Name, Statement};
use super::error::{Result, SqlError};
use super::lexer::{Lexeme, Token, lex};
use super::types::SqlType;

/// So deep may expressions and queries nest: the double gives its threads stacks for it.
const MAX_DEPTH: usize = 500;

/// Words that are no names unless quoted.
const RESERVED: &[&str] = &[
    "ALL",
    "ALTER",
    "AND",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "CHECK",
    "CLUSTERED",
    "COLLATE",
    "COLUMN",
    "COMMIT",
    "CONSTRAINT",
    "CONVERT",
    "CREATE",
    "CROSS",
    "DECLARE",
    "DEFAULT",
    "DELETE",
    "DESC",
    "DISTINCT",
    "DROP",
    "ELSE",
    "END",
    "ESCAPE",
    "EXCEPT",
    "EXEC",
    "EXECUTE",
    "EXISTS",
    "FETCH",
    "FOR",
    "FOREIGN",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "IF",
    "IN",
    "INDEX",
    "INNER",
    "INSERT",
    "INTERSECT",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LEFT",
    "LIKE",
    "NOT",
    "NULL",
    "OF",
    "OFF",
    "ON",
    "OPTION",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PERCENT",
    "PIVOT",
    "PRIMARY",
    "PRINT",
    "REFERENCES",
    "RETURN",
    "RIGHT",
    "ROLLBACK",
    "SAVE",
    "SELECT",
    "SET",
    "TABLE",
    "TABLESAMPLE",
    "THEN",
    "TOP",
    "TRUNCATE",
    "UNION",
    "UNIQUE",
    "UPDATE",
    "USE",
    "VALUES",
    "VIEW",
    "WAITFOR",
    "WHEN",
    "WHERE",
    "WHILE",
    "WITH",
];

/// A statement and the line where it begins.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    pub(crate) statement: Statement,
    pub(crate) line: u32,
}

/// Parses a batch.
pub(crate) fn batch(text: &str) -> Result<Vec<Located>> {
    let mut parser = Parser::new(text)?;
    let mut statements = Vec::new();
    loop {
        while parser.mark(";") {}
        if *parser.peek() == Token::End {
            return Ok(statements);
        }
        let line = parser.line();
        let statement = parser.statement().map_err(|error| error.at_line(parser.line()))?;
        statements.push(Located { statement, line });
    }
}

/// Parses the declaration of parameters that `sp_executesql` takes: `@a int, @b nvarchar(4000)`.
pub(crate) fn parameters(text: &str) -> Result<Vec<(String, SqlType)>> {
    let mut parser = Parser::new(text)?;
    let mut declared = Vec::new();
    while *parser.peek() != Token::End {
        let name = parser.variable()?;
        parser.word("AS");
        let ty = parser.data_type()?;
        let _output = parser.word("OUTPUT") || parser.word("OUT");
        declared.push((name, ty));
        if !parser.mark(",") {
            parser.expect_end()?;
        }
    }
    Ok(declared)
}

pub(super) struct Parser {
    lexemes: Vec<Lexeme>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn new(text: &str) -> Result<Self> {
        Ok(Self { lexemes: lex(text)?, at: 0, depth: 0 })
    }

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.lexemes.get(self.at + ahead).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn line(&self) -> u32 {
        self.lexemes.get(self.at).or(self.lexemes.last()).map_or(1, |lexeme| lexeme.line)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    /// An error that names what stands here.
    fn unexpected(&self) -> SqlError {
        let near = self.peek().shown();
        if matches!(self.peek(), Token::Word(word) if is_reserved(word)) {
            let message = format!("Incorrect syntax near the keyword '{near}'.");
            return SqlError { class: 15, ..SqlError::new(156, message) }.at_line(self.line());
        }
        SqlError::syntax(&near).at_line(self.line())
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    /// Whether these words come next; they are passed over if so.
    fn words(&mut self, words: &[&str]) -> bool {
        let found = words.iter().enumerate().all(|(ahead, word)| self.is_word(ahead, word));
        if found {
            self.at += words.len();
        }
        found
    }

    fn word(&mut self, word: &str) -> bool {
        self.words(&[word])
    }

    fn expect_word(&mut self, word: &str) -> Result<()> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Whether this mark comes next; it is passed over if so.
    fn mark(&mut self, mark: &str) -> bool {
        let found = matches!(self.peek(), Token::Mark(found) if *found == mark);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect_mark(&mut self, mark: &str) -> Result<()> {
        if self.mark(mark) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_end(&self) -> Result<()> {
        if *self.peek() == Token::End { Ok(()) } else { Err(self.unexpected()) }
    }

    fn variable(&mut self) -> Result<String> {
        match self.peek() {
            Token::Variable(name) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// A name of one part.
    fn name(&mut self) -> Result<String> {
        let name = match self.peek() {
            Token::Quoted(name) => name.clone(),
            Token::Word(word) if !is_reserved(word) => word.clone(),
            _ => return Err(self.unexpected()),
        };
        self.at += 1;
        Ok(name)
    }

    /// A name of several parts.
    fn full_name(&mut self) -> Result<Name> {
        let mut parts = vec![self.name()?];
        while self.mark(".") {
            // `database..table` leaves the schema to the default.
            let empty = matches!(self.peek(), Token::Mark("."));
            parts.push(if empty { String::new() } else { self.name()? });
        }
        Ok(parts)
    }

    /// `(a, b, c)`.
    fn names(&mut self) -> Result<Vec<String>> {
        self.expect_mark("(")?;
        let mut names = vec![self.name()?];
        while self.mark(",") {
            names.push(self.name()?);
        }
        self.expect_mark(")")?;
        Ok(names)
    }

    fn whole<N: std::str::FromStr>(&mut self) -> Result<N> {
        let number = match self.peek() {
            Token::Number(text) => text.parse().ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.unexpected())?;
        self.at += 1;
        Ok(number)
    }

    fn text(&mut self) -> Result<String> {
        match self.peek() {
            Token::Text(text, _) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Parses something that may contain itself.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller queries.";
            return Err(SqlError { class: 15, ..SqlError::new(191, message) });
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }
}

fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}
