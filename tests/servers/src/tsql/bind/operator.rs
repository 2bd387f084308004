//! Operators: what they are refused for, and the type of what they give.

use super::{Label, Typed};
use crate::tsql::ast::{Arithmetic, Comparison};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::Bound;
use crate::tsql::types::{Collation, Family, Length, SqlType};

pub(super) fn operand_clash(operator: &str, ty: SqlType) -> SqlError {
    SqlError::new(8117, format!("Operand data type {} is invalid for {operator} operator.", ty.name()))
}

/// Refuses what cannot be compared at all.
pub(super) fn comparable(left: SqlType, right: SqlType) -> Result<()> {
    for ty in [left, right] {
        if ty.is_legacy() || ty == SqlType::Xml {
            let message = format!(
                "The data types {} and {} are incompatible in the equal to operator.",
                left.name(),
                right.name()
            );
            return Err(SqlError::new(402, message));
        }
    }
    let clash = match (left.family(), right.family()) {
        (Family::Guid, other) | (other, Family::Guid) => {
            matches!(other, Family::Integer | Family::Approximate | Family::Exact | Family::Moment)
        }
        (Family::Moment, Family::Moment) => {
            let time = |ty: SqlType| matches!(ty, SqlType::Time(_));
            time(left) != time(right) && (left == SqlType::Date || right == SqlType::Date)
        }
        (Family::Moment, other) | (other, Family::Moment) => {
            let old = |ty: SqlType| matches!(ty, SqlType::DateTime | SqlType::SmallDateTime);
            matches!(other, Family::Integer | Family::Approximate | Family::Exact)
                && !old(left)
                && !old(right)
        }
        (Family::Bytes, Family::Text) | (Family::Text, Family::Bytes) => {
            // A binary never becomes Unicode text by itself.
            false
        }
        _ => false,
    };
    if clash {
        let message = format!("Operand type clash: {} is incompatible with {}", left.name(), right.name());
        return Err(SqlError { state: 2, ..SqlError::new(206, message) });
    }
    Ok(())
}

pub(super) fn compare(comparison: Comparison, left: Typed, right: Typed) -> Result<Bound> {
    comparable(left.ty, right.ty)?;
    let collation = if left.ty.is_text() || right.ty.is_text() {
        left.collation.meet(right.collation)?.collation
    } else {
        Collation::Binary
    };
    let ty = left.ty.unify(right.ty);
    // Decimals compare by value whatever their scales, and one type could not hold all digits of both.
    let exact = matches!(ty, SqlType::Decimal(..));
    let side = |typed: Typed| match typed.ty {
        SqlType::Decimal(..) | SqlType::Money | SqlType::SmallMoney if exact => typed.expr,
        SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Int | SqlType::BigInt if exact => {
            let (precision, scale) = typed.ty.as_decimal();
            typed.into_type(SqlType::Decimal(precision, scale))
        }
        _ => typed.into_type(ty),
    };
    Ok(Bound::Compare { comparison, left: Box::new(side(left)), right: Box::new(side(right)), collation })
}

pub(super) fn arithmetic(operator: Arithmetic, left: Typed, right: Typed) -> Result<Typed> {
    let nullable = left.nullable || right.nullable;
    let collation = if left.ty.is_text() && right.ty.is_text() {
        left.collation.meet(right.collation)?
    } else {
        Label::default()
    };
    let ty = result_type(operator, left.ty, right.ty)?;
    let side = |typed: Typed| match ty {
        // Scales are the operator's own affair.
        SqlType::Decimal(..) => match typed.ty {
            SqlType::Decimal(..) | SqlType::Null => typed.expr,
            other => {
                let (precision, scale) = other.as_decimal();
                typed.into_type(SqlType::Decimal(precision, scale))
            }
        },
        _ if ty.is_text() => typed.into_type(if ty.is_national() {
            SqlType::NVarChar(Length::Max)
        } else {
            SqlType::VarChar(Length::Max)
        }),
        _ => typed.into_type(ty),
    };
    let (left, right) = (Box::new(side(left)), Box::new(side(right)));
    Ok(Typed { collation, ..Typed::new(Bound::Arithmetic { operator, left, right, ty }, ty, nullable) })
}

/// The type of a result (documentation, "Precision, scale, and length").
fn result_type(operator: Arithmetic, left: SqlType, right: SqlType) -> Result<SqlType> {
    let ty = left.unify(right);
    let name = match operator {
        Arithmetic::Add => "add",
        Arithmetic::Subtract => "subtract",
        Arithmetic::Multiply => "multiply",
        Arithmetic::Divide => "divide",
        Arithmetic::Modulo => "modulo",
        Arithmetic::BitAnd => "'&'",
        Arithmetic::BitOr => "'|'",
        Arithmetic::BitXor => "'^'",
    };
    match ty.family() {
        Family::Text if operator == Arithmetic::Add && !ty.is_legacy() && ty != SqlType::Xml => {
            let length = left.text_length().saturating_add(right.text_length());
            let max = [left, right].iter().any(|ty| ty.text_length() == usize::MAX);
            let length =
                if max { usize::MAX } else { length.min(if ty.is_national() { 4_000 } else { 8_000 }) };
            Ok(if ty.is_national() { SqlType::nvarchar(length) } else { SqlType::varchar(length) })
        }
        Family::Bytes if operator == Arithmetic::Add && ty != SqlType::Image => {
            Ok(SqlType::varbinary(left.text_length().saturating_add(right.text_length())))
        }
        Family::Integer | Family::Null => Ok(match ty {
            SqlType::Bit
                if matches!(operator, Arithmetic::BitAnd | Arithmetic::BitOr | Arithmetic::BitXor) =>
            {
                ty
            }
            SqlType::Bit => return Err(operand_clash(name, ty)),
            SqlType::Null => SqlType::Int,
            ty => ty,
        }),
        Family::Exact | Family::Approximate
            if matches!(operator, Arithmetic::BitAnd | Arithmetic::BitOr | Arithmetic::BitXor) =>
        {
            Err(operand_clash(name, ty))
        }
        Family::Exact if matches!(ty, SqlType::Decimal(..)) => Ok(decimal_result(operator, left, right)),
        Family::Exact | Family::Approximate => Ok(ty),
        _ => Err(operand_clash(name, ty)),
    }
}

fn decimal_result(operator: Arithmetic, left: SqlType, right: SqlType) -> SqlType {
    let ((p1, s1), (p2, s2)) = (left.as_decimal(), right.as_decimal());
    let [p1, s1, p2, s2] = [p1, s1, p2, s2].map(i32::from);
    let (precision, scale) = match operator {
        Arithmetic::Multiply => (p1 + p2 + 1, s1 + s2),
        Arithmetic::Divide => {
            let scale = (s1 + p2 + 1).max(6);
            (p1 - s1 + s2 + scale, scale)
        }
        Arithmetic::Modulo => ((p1 - s1).min(p2 - s2) + s1.max(s2), s1.max(s2)),
        _ => (s1.max(s2) + (p1 - s1).max(p2 - s2) + 1, s1.max(s2)),
    };
    let (precision, scale) = if precision > 38 {
        // What is too long loses digits behind the point, but of products and quotients at least six stay.
        let whole = precision - scale;
        let scale = match operator {
            Arithmetic::Multiply | Arithmetic::Divide => (38 - whole).max(scale.min(6)),
            // The carry gets no digit of its own.
            _ => (38 - whole + 1).clamp(0, scale),
        };
        (38, scale)
    } else {
        (precision, scale)
    };
    SqlType::Decimal(u8::try_from(precision).unwrap_or(38), u8::try_from(scale).unwrap_or(0))
}
