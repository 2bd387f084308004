//! What a server answers to one command.

/// One answer, whatever protocol brought it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// There is no such key, field or value.
    Nil,
    /// A string of bytes; a status word is one too.
    Text(Vec<u8>),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Double(f64),
    /// True or false.
    Boolean(bool),
    /// Several answers in a row.
    List(Vec<Reply>),
    /// Names with what they stand for.
    Pairs(Vec<(Reply, Reply)>),
    /// The server refused the command.
    Refused(Refusal),
}

/// Why a server refused a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The first word of what it said: `WRONGTYPE`, `NOPERM`, `ERR`.
    pub code: String,
    /// What it said.
    pub message: String,
}

/// A refusal's code is a word of at most this many bytes; anything else is only a message.
const MAX_CODE_BYTES: usize = 32;

impl Refusal {
    /// Takes a line such as `WRONGTYPE Operation against a key …` apart.
    pub fn of(line: &str) -> Refusal {
        let word = line.split(' ').next().unwrap_or_default();
        let is_code = !word.is_empty()
            && word.len() <= MAX_CODE_BYTES
            && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
        let code = if is_code { word } else { "ERR" };
        Refusal { code: code.to_owned(), message: line.to_owned() }
    }
}

impl Reply {
    /// The bytes of a text; a number in digits.
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Reply::Text(bytes) => Some(bytes),
            Reply::Integer(number) => Some(number.to_string().into_bytes()),
            _ => None,
        }
    }

    /// The answer as text, if it is one in UTF-8.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Reply::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The answers in a list.
    pub fn into_list(self) -> Option<Vec<Reply>> {
        match self {
            Reply::List(items) => Some(items),
            _ => None,
        }
    }

    /// Names with what they stand for: pairs, or a list that takes turns with them, as older protocols write it.
    pub fn into_pairs(self) -> Option<Vec<(Reply, Reply)>> {
        match self {
            Reply::Pairs(pairs) => Some(pairs),
            Reply::List(items) if items.len() % 2 == 0 => {
                let mut items = items.into_iter();
                Some(std::iter::from_fn(|| Some((items.next()?, items.next()?))).collect())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_begins_with_its_code() {
        let refusal = Refusal::of("WRONGTYPE Operation against a key");
        assert_eq!((refusal.code.as_str(), refusal.message.len()), ("WRONGTYPE", 33));
        for line in ["", "something in lower case", "Unauthorized", "Ünïcode first"] {
            assert_eq!(Refusal::of(line).code, "ERR", "{line}");
        }
    }

    #[test]
    fn an_even_list_is_pairs() {
        let text = |text: &str| Reply::Text(text.into());
        let list = Reply::List(vec![text("a"), text("1"), text("b"), text("2")]);
        assert_eq!(list.into_pairs(), Some(vec![(text("a"), text("1")), (text("b"), text("2"))]));
        assert_eq!(Reply::List(vec![text("a")]).into_pairs(), None);
        assert_eq!(Reply::Integer(7).into_bytes(), Some(b"7".to_vec()));
    }
}
