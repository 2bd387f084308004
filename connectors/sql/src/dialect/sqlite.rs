//! SQLite, and whatever speaks its SQL.

use connector_model::filter::{TextTest, Typed};
use connector_model::json;
use connector_model::target::LogicalType;

use super::{Dialect, Nulls, like_pattern};
use crate::statement::{ParamType, Statement, Value};
use crate::table::TableColumn;

/// SQLite's SQL (sqlite.org/lang.html). Values are compared by storage class, so a parameter is bound as the class
/// that the column's affinity stores.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sqlite;

/// So many doubles of one list are bound one by one; in a longer list the last digit of some may be lost.
const MAX_DOUBLES: usize = 1_000;

impl Sqlite {
    fn placeholder(sql: &mut Statement, value: Typed) {
        let kind = match value {
            Typed::Integer(_) => ParamType::Int8,
            Typed::Float(_) => ParamType::Float8,
            Typed::Bytes(_) => ParamType::Bytes,
            _ => ParamType::Text,
        };
        let number = sql.bind(Value::One(value), kind);
        sql.push("?");
        sql.push(&number.to_string());
    }
}

/// The value as SQLite stores it: an integer, a real, a text or a blob.
pub(super) fn stored(value: Typed) -> Typed {
    match value {
        Typed::Boolean(flag) => Typed::Integer(i128::from(flag)),
        #[allow(
            clippy::cast_precision_loss,
            reason = "SQLite itself turns integers beyond 64 bits into reals"
        )]
        Typed::Integer(whole) => match i64::try_from(whole) {
            Ok(_) => Typed::Integer(whole),
            // What is below every integer stays below: the nearest double is the least of them itself.
            Err(_) if whole < 0 => Typed::Float((whole as f64).min((i64::MIN as f64).next_down())),
            Err(_) => Typed::Float(whole as f64),
        },
        Typed::Decimal(digits) => match digits.parse::<i64>() {
            Ok(whole) => Typed::Integer(i128::from(whole)),
            Err(_) => digits.parse().map_or(Typed::Text(digits), Typed::Float),
        },
        Typed::Date(days) => iso(|out| json::date(out, days)),
        Typed::Timestamp(micros) | Typed::TimestampTz(micros) => iso(|out| json::timestamp(out, micros)),
        Typed::Time(micros) => iso(|out| json::time_of_day(out, micros)),
        Typed::Uuid(bytes) => iso(|out| json::uuid(out, &bytes)),
        value => value,
    }
}

/// The values as a JSON array: texts and numbers as they are, blobs as hex.
fn json_list(values: &[Typed]) -> String {
    let mut list = vec![b'['];
    for value in values {
        if list.len() > 1 {
            list.push(b',');
        }
        match value {
            Typed::Integer(whole) => list.extend_from_slice(whole.to_string().as_bytes()),
            // JSON has no infinity; a number beyond every double is read as one.
            Typed::Float(number) if number.is_infinite() => {
                list.extend_from_slice(if *number < 0.0 { b"-1e999" } else { b"1e999" });
            }
            Typed::Float(number) => json::float64(&mut list, *number),
            Typed::Bytes(bytes) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                json::text(&mut list, &hex);
            }
            Typed::Text(text) => json::text(&mut list, text),
            _ => json::null(&mut list),
        }
    }
    list.push(b']');
    String::from_utf8_lossy(&list).into_owned()
}

/// The text inside the quotes that a JSON function writes.
fn iso(write: impl FnOnce(&mut Vec<u8>)) -> Typed {
    let mut quoted = Vec::new();
    write(&mut quoted);
    Typed::Text(String::from_utf8_lossy(&quoted).trim_matches('"').to_owned())
}

impl Dialect for Sqlite {
    fn quote(&self, sql: &mut Statement, identifier: &str) {
        // Backticks: SQLite reads an unknown name in double quotes as a text (sqlite.org/quirks.html, 8), so that a
        // column that is gone would turn into its own name in every row.
        sql.push("`");
        sql.push(&identifier.replace('`', "``"));
        sql.push("`");
    }

    fn nulls(&self) -> Nulls {
        Nulls::First
    }

    fn mixes_types(&self) -> bool {
        true
    }

    fn as_text(&self, sql: &mut Statement, column: &TableColumn) {
        sql.push("CAST(");
        self.reference(sql, column);
        sql.push(" AS TEXT)");
    }

    fn value(&self, sql: &mut Statement, _column: &TableColumn, value: Typed) {
        Self::placeholder(sql, stored(value));
    }

    fn in_list(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool) {
        let values: Vec<Typed> = values.into_iter().map(stored).collect();
        self.compared(sql, column);
        sql.push(if negated { " NOT IN (" } else { " IN (" });
        // SQLite does not read every double to its nearest value: those are bound one by one.
        if values.len() <= MAX_DOUBLES && values.iter().any(|value| matches!(value, Typed::Float(_))) {
            for (position, value) in values.into_iter().enumerate() {
                sql.push(if position > 0 { ", " } else { "" });
                Self::placeholder(sql, value);
            }
            return sql.push(")");
        }
        // One parameter whatever the length: a statement takes at most 32,766 of them. Blobs travel as hex.
        let blobs = values.iter().any(|value| matches!(value, Typed::Bytes(_)));
        sql.push(if blobs { "SELECT unhex(value) FROM json_each(" } else { "SELECT value FROM json_each(" });
        Self::placeholder(sql, Typed::Text(json_list(&values)));
        sql.push("))");
    }

    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str) {
        if operand.contains('\0') {
            // A pattern ends at its first NUL here, and would match too much: rather nothing (NULL stays unknown).
            self.reference(sql, column);
            sql.push(" <> ");
            return self.reference(sql, column);
        }
        match column.logical_type {
            LogicalType::Text => self.reference(sql, column),
            _ => self.as_text(sql, column),
        }
        let pattern = like_pattern(test, operand);
        if test == TextTest::Like {
            // SQLite's LIKE folds ASCII case; GLOB does not.
            sql.push(" GLOB ");
            Self::placeholder(sql, Typed::Text(glob(&pattern)));
        } else {
            sql.push(" LIKE ");
            Self::placeholder(sql, Typed::Text(pattern));
            sql.push(" ESCAPE '\\'");
        }
    }

    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64) {
        let mut quoted = Statement::default();
        self.quote(&mut quoted, &column.name);
        let name = quoted.text;
        let millis = Typed::Integer(i128::from(micros.div_euclid(1_000)));
        if matches!(column.logical_type, LogicalType::Integer | LogicalType::Decimal | LogicalType::Float) {
            sql.push(&format!("{name} > "));
            return Self::placeholder(sql, millis);
        }
        // A column of moments holds texts or, as some libraries write them, milliseconds. Texts in UTC, with `T` or a
        // space, with or without `Z`, a clock and a fraction, are brought to one form, in which the order of texts is
        // the order of moments.
        sql.push(&format!("CASE WHEN typeof({name}) IN ('integer', 'real') THEN {name} > "));
        Self::placeholder(sql, millis);
        let plain = format!("replace(rtrim({name}, 'Z'), 'T', ' ')");
        sql.push(&format!(
            " ELSE CASE WHEN instr({plain}, '.') THEN rtrim(rtrim({plain}, '0'), '.') \
             WHEN length({plain}) = 10 THEN {plain} || ' 00:00:00' \
             WHEN length({plain}) = 16 THEN {plain} || ':00' ELSE {plain} END > "
        ));
        Self::placeholder(sql, Typed::Text(bare_moment(micros)));
        sql.push(" END");
    }

    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64) {
        if limit.is_none() && offset == 0 {
            return;
        }
        sql.push(" LIMIT ");
        // A negative limit is none.
        Self::placeholder(sql, Typed::Integer(limit.map_or(-1, i128::from)));
        if offset > 0 {
            sql.push(" OFFSET ");
            Self::placeholder(sql, Typed::Integer(i128::from(offset)));
        }
    }
}

/// `YYYY-MM-DD HH:MM:SS`, a fraction without trailing zeros, no zone.
fn bare_moment(micros: i64) -> String {
    let Typed::Text(text) = iso(|out| json::timestamp(out, micros)) else { return String::new() };
    let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let seconds = seconds.replace('T', " ");
    match fraction.trim_end_matches('Z').trim_end_matches('0') {
        "" => seconds,
        fraction => format!("{seconds}.{fraction}"),
    }
}

/// A `LIKE` pattern (backslash escapes) as a `GLOB` pattern.
fn glob(like: &str) -> String {
    let mut glob = String::with_capacity(like.len() + 8);
    let mut characters = like.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '%' => {
                glob.push('*');
                continue;
            }
            '_' => {
                glob.push('?');
                continue;
            }
            '\\' => characters.next().unwrap_or('\\'),
            other => other,
        };
        if matches!(literal, '*' | '?' | '[') {
            glob.extend(['[', literal, ']']);
        } else {
            glob.push(literal);
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_pattern_becomes_the_same_glob() {
        assert_eq!(glob(r"a%b_c\%d*e[f\\"), r"a*b?c%d[*]e[[]f\");
    }

    #[test]
    fn a_bare_moment_sorts_as_text() {
        assert_eq!(bare_moment(0), "1970-01-01 00:00:00");
        assert_eq!(bare_moment(36_000_000_000), "1970-01-01 10:00:00");
        assert_eq!(bare_moment(36_000_500_000), "1970-01-01 10:00:00.5");
    }
}
