//! T-SQL text as tokens.

use super::error::{Result, SqlError};

/// A piece of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Word(String),
    /// A name in brackets or double quotes.
    Quoted(String),
    /// `@name` or `@@name`, with its signs.
    Variable(String),
    /// A number as written.
    Number(String),
    /// A text, and whether N stood before it.
    Text(String, bool),
    /// `0x…`.
    Bytes(Vec<u8>),
    /// An operator or a punctuation mark.
    Mark(&'static str),
    End,
}

/// A token and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) line: u32,
}

impl Token {
    /// The token as an error message names it.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Word(text)
            | Self::Quoted(text)
            | Self::Variable(text)
            | Self::Number(text)
            | Self::Text(text, _) => text.clone(),
            Self::Bytes(_) => "0x".to_owned(),
            Self::Mark(mark) => (*mark).to_owned(),
            Self::End => "end of file".to_owned(),
        }
    }
}

/// Longer marks first.
const MARKS: &[&str] = &[
    "<=", ">=", "<>", "!=", "!<", "!>", "+=", "-=", "::", "(", ")", ",", ";", ".", "=", "<", ">", "+", "-",
    "*", "/", "%", "&", "|", "^", "~",
];

/// Splits a batch.
pub(crate) fn lex(text: &str) -> Result<Vec<Lexeme>> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    let mut lexemes = Vec::new();
    loop {
        lexer.skip_blanks()?;
        let line = lexer.line;
        let token = lexer.token().map_err(|error| error.at_line(line))?;
        let end = token == Token::End;
        lexemes.push(Lexeme { token, line });
        if end {
            return Ok(lexemes);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn advance(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or("");
        self.line += u32::try_from(passed.matches('\n').count()).unwrap_or(0);
        self.at += bytes;
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|character| !keep(character)).unwrap_or(rest.len());
        self.advance(end);
        rest.get(..end).unwrap_or("")
    }

    fn skip_blanks(&mut self) -> Result<()> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest().starts_with("--") {
                self.take_while(|character| character != '\n');
            } else if self.rest().starts_with("/*") {
                self.skip_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Comments nest.
    fn skip_comment(&mut self) -> Result<()> {
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            if rest.starts_with("/*") {
                depth += 1;
                self.advance(2);
            } else if rest.starts_with("*/") {
                depth -= 1;
                self.advance(2);
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(character) = rest.chars().next() {
                self.advance(character.len_utf8());
            } else {
                return Err(SqlError::new(113, "Missing end comment mark '*/'."));
            }
        }
    }

    fn token(&mut self) -> Result<Token> {
        let rest = self.rest();
        let mut characters = rest.chars();
        let Some(first) = characters.next() else { return Ok(Token::End) };
        let second = characters.next().unwrap_or(' ');
        match first {
            '\'' => self.delimited('\'').map(|text| Token::Text(text, false)),
            'N' | 'n' if second == '\'' => {
                self.advance(1);
                self.delimited('\'').map(|text| Token::Text(text, true))
            }
            '[' => self.delimited(']').map(Token::Quoted),
            '"' => self.delimited('"').map(Token::Quoted),
            '@' => Ok(Token::Variable(self.take_while(is_name_part).to_owned())),
            '0' if matches!(second, 'x' | 'X') => self.bytes(),
            '0'..='9' => Ok(self.number()),
            '.' if second.is_ascii_digit() => Ok(self.number()),
            _ if first.is_alphabetic() || matches!(first, '_' | '#') => {
                Ok(Token::Word(self.take_while(is_name_part).to_owned()))
            }
            _ => match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
                Some(mark) => {
                    self.advance(mark.len());
                    Ok(Token::Mark(mark))
                }
                None => Err(SqlError::syntax(&first.to_string())),
            },
        }
    }

    /// What stands between two delimiters; a doubled closing one stands for itself.
    fn delimited(&mut self, close: char) -> Result<String> {
        self.advance(1);
        let mut content = String::new();
        loop {
            content.push_str(self.take_while(|character| character != close));
            if self.rest().is_empty() {
                let message = format!("Unclosed quotation mark after the character string '{content}'.");
                return Err(SqlError { class: 15, ..SqlError::new(105, message) });
            }
            self.advance(1);
            if !self.rest().starts_with(close) {
                return Ok(content);
            }
            content.push(close);
            self.advance(1);
        }
    }

    fn bytes(&mut self) -> Result<Token> {
        self.advance(2);
        let digits = self.take_while(|character| character.is_ascii_hexdigit());
        // An odd number of digits gets a zero in front.
        let digits = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
        let (pairs, _) = digits.as_bytes().as_chunks::<2>();
        let byte = |pair: &[u8; 2]| {
            std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())
        };
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes.map(Token::Bytes).ok_or_else(|| SqlError::syntax("0x"))
    }

    fn number(&mut self) -> Token {
        let mut number = self.take_while(|character| character.is_ascii_digit()).to_owned();
        if self.rest().starts_with('.') {
            self.advance(1);
            number.push('.');
            number.push_str(self.take_while(|character| character.is_ascii_digit()));
        }
        let exponent = self.rest().strip_prefix(['e', 'E']);
        let digits = exponent.map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
        if digits.is_some_and(|digits| digits.starts_with(|first: char| first.is_ascii_digit())) {
            let sign =
                exponent.and_then(|rest| rest.chars().next()).filter(|first| matches!(first, '+' | '-'));
            self.advance(1 + usize::from(sign.is_some()));
            number.push('e');
            number.extend(sign);
            number.push_str(self.take_while(|character| character.is_ascii_digit()));
        }
        Token::Number(number)
    }
}

fn is_name_part(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '@' | '#' | '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        lex(text).unwrap().into_iter().map(|lexeme| lexeme.token).collect()
    }

    #[test]
    fn names_texts_and_numbers() {
        let expected = vec![
            Token::Quoted("a]b".into()),
            Token::Mark("."),
            Token::Quoted("c\"d".into()),
            Token::Text("it's 日".into(), true),
            Token::Number("1.5e-3".into()),
            Token::Variable("@P1".into()),
            Token::Bytes(vec![0x0a, 0xbc]),
            Token::Mark("<>"),
            Token::End,
        ];
        assert_eq!(
            tokens("[a]]b].\"c\"\"d\" N'it''s 日' 1.5e-3 @P1 /* x /* y */ */ 0xabc <> -- end"),
            expected
        );
    }

    #[test]
    fn an_open_text_is_an_error_with_its_line() {
        let error = lex("SELECT 1\n, 'abc").unwrap_err();
        assert_eq!((error.number, error.line), (105, 2));
    }
}
