//! What is asked of the server.

use super::reader::put_counted;

const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;
const STMT_PREPARE: u8 = 0x16;
const STMT_EXECUTE: u8 = 0x17;
const STMT_CLOSE: u8 = 0x19;

/// A date or a moment in the parts that it is sent in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moment {
    pub(crate) year: u16,
    pub(crate) month: u8,
    pub(crate) day: u8,
    /// Microseconds of the day; `None` for a date.
    pub(crate) micros: Option<u64>,
}

/// A value that a statement is executed with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    Signed(i64),
    Unsigned(u64),
    Double(f64),
    /// The digits of an exact number.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    Moment(Moment),
    /// Microseconds, negative ones too.
    Time(i64),
}

impl Argument {
    /// The type's code and whether it is unsigned.
    fn kind(&self) -> [u8; 2] {
        match self {
            Argument::Signed(_) => [0x08, 0],
            Argument::Unsigned(_) => [0x08, 0x80],
            Argument::Double(_) => [0x05, 0],
            Argument::Decimal(_) => [0xf6, 0],
            Argument::Text(_) => [0xfd, 0],
            Argument::Bytes(_) => [0xfc, 0],
            Argument::Moment(Moment { micros: None, .. }) => [0x0a, 0],
            Argument::Moment(_) => [0x0c, 0],
            Argument::Time(_) => [0x0b, 0],
        }
    }

    /// About how many bytes it takes in a request.
    pub(crate) fn size(&self) -> usize {
        const FIXED: usize = 16;
        match self {
            Argument::Decimal(text) | Argument::Text(text) => FIXED + text.len(),
            Argument::Bytes(bytes) => FIXED + bytes.len(),
            _ => FIXED,
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Argument::Signed(number) => out.extend_from_slice(&number.to_le_bytes()),
            Argument::Unsigned(number) => out.extend_from_slice(&number.to_le_bytes()),
            Argument::Double(number) => out.extend_from_slice(&number.to_le_bytes()),
            Argument::Decimal(text) | Argument::Text(text) => put_counted(out, text.as_bytes()),
            Argument::Bytes(bytes) => put_counted(out, bytes),
            Argument::Moment(moment) => put_moment(out, *moment),
            Argument::Time(micros) => put_time(out, *micros),
        }
    }
}

fn put_moment(out: &mut Vec<u8>, moment: Moment) {
    out.push(if moment.micros.is_some() { 11 } else { 4 });
    out.extend_from_slice(&moment.year.to_le_bytes());
    out.extend_from_slice(&[moment.month, moment.day]);
    if let Some(micros) = moment.micros {
        put_clock(out, micros);
    }
}

fn put_time(out: &mut Vec<u8>, micros: i64) {
    const DAY: u64 = 86_400_000_000;
    let length = micros.unsigned_abs();
    out.extend_from_slice(&[12, u8::from(micros < 0)]);
    out.extend_from_slice(&u32::try_from(length / DAY).unwrap_or(u32::MAX).to_le_bytes());
    put_clock(out, length % DAY);
}

/// Hour, minute, second, microseconds.
fn put_clock(out: &mut Vec<u8>, micros: u64) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let part = |value: u64| u8::try_from(value).unwrap_or(0);
    out.extend_from_slice(&[part(seconds / 3_600), part(seconds / 60 % 60), part(seconds % 60)]);
    out.extend_from_slice(&u32::try_from(fraction).unwrap_or(0).to_le_bytes());
}

fn with_text(command: u8, text: &str) -> Vec<u8> {
    [&[command], text.as_bytes()].concat()
}

/// A statement as text.
pub(super) fn query(text: &str) -> Vec<u8> {
    with_text(QUERY, text)
}

/// A statement to be kept.
pub(super) fn prepare(text: &str) -> Vec<u8> {
    with_text(STMT_PREPARE, text)
}

/// Forgets a kept statement; there is no answer.
pub(super) fn close(statement: u32) -> Vec<u8> {
    [&[STMT_CLOSE][..], &statement.to_le_bytes()].concat()
}

/// The last word; there is no answer.
pub(super) fn quit() -> Vec<u8> {
    vec![QUIT]
}

/// Runs a kept statement. None of the arguments is NULL: SQL that asks for NULL says so in its text.
pub(super) fn execute(statement: u32, arguments: &[Argument]) -> Vec<u8> {
    let mut packet = vec![STMT_EXECUTE];
    packet.extend_from_slice(&statement.to_le_bytes());
    // No cursor on the server; one time.
    packet.extend_from_slice(&[0, 1, 0, 0, 0]);
    if !arguments.is_empty() {
        packet.extend(std::iter::repeat_n(0, arguments.len().div_ceil(8)));
        // The types follow each time.
        packet.push(1);
        arguments.iter().for_each(|argument| packet.extend_from_slice(&argument.kind()));
        arguments.iter().for_each(|argument| argument.put(&mut packet));
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_in_days_and_a_sign() {
        let mut out = Vec::new();
        put_time(&mut out, -(838 * 3_600 + 59 * 60 + 59) * 1_000_000 - 5);
        assert_eq!(out, [12, 1, 34, 0, 0, 0, 22, 59, 59, 5, 0, 0, 0]);
    }

    #[test]
    fn an_execution_names_its_types() {
        let packet = execute(7, &[Argument::Unsigned(1), Argument::Text("é".into())]);
        assert_eq!(packet[..10], [STMT_EXECUTE, 7, 0, 0, 0, 0, 1, 0, 0, 0]);
        assert_eq!(packet[10..], [0, 1, 0x08, 0x80, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0xc3, 0xa9]);
        assert_eq!(execute(7, &[]).len(), 10);
    }
}
