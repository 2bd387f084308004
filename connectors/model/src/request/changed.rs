//! Rows that changed after a moment.

use crate::filter::{Comparison, Filter, Operand, Test};
use crate::target::LogicalType;
use crate::time::parse_moment;

/// How long a moment is as the runner writes it: `2024-03-01T10:00:00.000000Z`.
const MOMENT_BYTES: usize = 27;

/// Rows whose `column` is later than a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangedSince {
    /// The column that holds when a row was changed.
    pub column: String,
    /// Microseconds since 1970-01-01 UTC; strictly later rows pass.
    pub micros: i64,
}

impl ChangedSince {
    /// What a module's `count` is asked for in the total of a `read`: version 0.1.0 of the module contract has no other
    /// words for it than a `where`. The runner says the same comparison twice, `{"$and": [{"at": {"$gt":
    /// "2024-03-01T10:00:00.000000Z"}}, {"at": {"$gt": "2024-03-01T10:00:00.000000Z"}}]}`, which means no more than once to
    /// whoever does not look for it, and which no caller writes.
    pub fn meant_by(filter: &Filter) -> Option<ChangedSince> {
        let Filter::And(parts) = filter else { return None };
        let [once, twice] = parts.as_slice() else { return None };
        let Filter::Column(column, Test::Compare(Comparison::Greater, Operand::Text(text))) = once else {
            return None;
        };
        if once != twice {
            return None;
        }
        let micros = (text.len() == MOMENT_BYTES).then(|| parse_moment(text))??;
        Some(ChangedSince { column: column.clone(), micros })
    }

    /// What is counted for a filter whose one column, if it has one, is of the kind that `kind_of` says: the filter itself,
    /// but for a moment on a whole number, of which `query` could make nothing. A whole number keeps milliseconds.
    pub fn counted(filter: &Filter, kind_of: impl FnOnce(&str) -> Option<LogicalType>) -> Filter {
        match ChangedSince::meant_by(filter) {
            Some(since) if kind_of(&since.column) == Some(LogicalType::Integer) => {
                let millis = Operand::Integer(since.micros.div_euclid(1_000).into());
                Filter::Column(since.column, Test::Compare(Comparison::Greater, millis))
            }
            _ => filter.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str) -> Filter {
        let once =
            Filter::Column("at".into(), Test::Compare(Comparison::Greater, Operand::Text(text.into())));
        Filter::And(vec![once.clone(), once])
    }

    #[test]
    fn a_moment_is_counted_as_milliseconds_on_whole_numbers_only() {
        let moment = after("1970-01-01T00:00:05.000000Z");
        let millis = Filter::Column("at".into(), Test::Compare(Comparison::Greater, Operand::Integer(5_000)));
        assert_eq!(ChangedSince::counted(&moment, |_| Some(LogicalType::Integer)), millis);
        for kind in [None, Some(LogicalType::Text), Some(LogicalType::Timestamp), Some(LogicalType::Unknown)]
        {
            assert_eq!(ChangedSince::counted(&moment, |_| kind), moment, "{kind:?}");
        }
        for other in [
            after("1970-01-01T00:00:05Z"),
            after("27 bytes that are no moment"),
            Filter::Not(Box::new(moment)),
            Filter::Column(
                "at".into(),
                Test::Compare(Comparison::Greater, Operand::Text("1970-01-01T00:00:05.000000Z".into())),
            ),
            Filter::TRUE,
        ] {
            assert_eq!(ChangedSince::meant_by(&other), None, "{other:?}");
            assert_eq!(ChangedSince::counted(&other, |_| Some(LogicalType::Integer)), other);
        }
    }
}
