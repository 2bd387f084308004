//! A position as a condition.

use semilayer_connector::model::filter::{Comparison, Operand, Test};
use semilayer_connector::prelude::*;

use crate::plan::Ordered;
use crate::position::Position;

/// The rows from a position on, but for the number that is passed over.
pub(crate) fn from_position(position: &Position, ordered: &[Ordered]) -> Filter {
    let Some(values) = &position.from else { return Filter::TRUE };
    let bounds: Vec<(&Ordered, &Option<String>)> = ordered.iter().zip(values).collect();
    let mut ways: Vec<Filter> = Vec::with_capacity(bounds.len() + 1);
    for (at, bound) in bounds.iter().enumerate() {
        let mut all: Vec<Filter> = bounds.iter().take(at).map(equal).collect();
        all.push(behind(bound));
        ways.push(Filter::And(all));
    }
    if !position.behind {
        ways.push(Filter::And(bounds.iter().map(equal).collect()));
    }
    let mut parts = vec![Filter::Or(ways)];
    // The first column alone is what an index can be asked about.
    parts.extend(bounds.first().and_then(at_or_behind));
    Filter::And(parts)
}

fn column(of: &Ordered, test: Test) -> Filter {
    Filter::Column(of.column.clone(), test)
}

fn equal((of, value): &(&Ordered, &Option<String>)) -> Filter {
    let operand = value.as_ref().map_or(Operand::Null, |text| Operand::Text(text.clone()));
    column(of, Test::Equal(operand))
}

/// Behind a value in its column's order: ascending with NULL last and NaN before it, descending the other way round.
fn behind((of, value): &(&Ordered, &Option<String>)) -> Filter {
    let Some(text) = value else {
        // NULL is last, or first.
        return if of.descending { column(of, Test::Exists(true)) } else { Filter::FALSE };
    };
    let operand = Operand::Text(text.clone());
    if of.descending {
        return column(of, Test::Compare(Comparison::Less, operand));
    }
    let greater = match of.logical_type {
        // NaN is no less than anything, and no greater either.
        LogicalType::Float => {
            Filter::Not(Box::new(column(of, Test::Compare(Comparison::LessOrEqual, operand))))
        }
        _ => column(of, Test::Compare(Comparison::Greater, operand)),
    };
    if of.nullable { Filter::Or(vec![greater, column(of, Test::Exists(false))]) } else { greater }
}

/// The first column's part of the whole, where it is a plain comparison.
fn at_or_behind((of, value): &(&Ordered, &Option<String>)) -> Option<Filter> {
    let operand = Operand::Text(value.as_ref()?.clone());
    let comparison = match (of.descending, of.nullable || of.logical_type == LogicalType::Float) {
        (true, _) => Comparison::LessOrEqual,
        (false, false) => Comparison::GreaterOrEqual,
        (false, true) => return None,
    };
    Some(column(of, Test::Compare(comparison, operand)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(column: &str, descending: bool, nullable: bool) -> Ordered {
        Ordered {
            column: column.into(),
            native_type: "Int64".into(),
            logical_type: LogicalType::Integer,
            descending,
            nullable,
        }
    }

    #[test]
    fn a_first_page_has_no_condition_and_others_begin_at_their_values() {
        let of = [ordered("a", false, false), ordered("b", true, true)];
        assert!(from_position(&Position::rows(3), &of).is_true());
        let values = Some(vec![Some("1".to_owned()), None]);
        let behind = from_position(&Position { from: values.clone(), behind: true, skip: 0 }, &of);
        let Filter::And(parts) = &behind else { panic!("{behind:?}") };
        let [Filter::Or(ways), Filter::Column(first, _)] = parts.as_slice() else { panic!("{behind:?}") };
        assert_eq!((ways.len(), first.as_str()), (2, "a"));
        let equal = from_position(&Position { from: values, behind: false, skip: 2 }, &of);
        let Filter::And(parts) = &equal else { panic!("{equal:?}") };
        assert!(matches!(&parts[0], Filter::Or(ways) if ways.len() == 3));
    }
}
