//! Aggregate and window functions.

use super::{Binder, Label, Typed};
use crate::tsql::ast::{Call, Order, Window};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::{Aggregate, AggregateKind, Bound, SortKey, WindowCall, WindowKind};
use crate::tsql::types::{Family, Length, SqlType};

/// Whether a function is an aggregate when nothing stands OVER it.
pub(super) fn is_aggregate(name: &str) -> bool {
    kind(name, false).is_some()
}

fn kind(name: &str, star: bool) -> Option<AggregateKind> {
    Some(match name {
        "COUNT" | "COUNT_BIG" if star => AggregateKind::CountRows,
        "COUNT" | "COUNT_BIG" | "APPROX_COUNT_DISTINCT" => AggregateKind::Count,
        "SUM" => AggregateKind::Sum,
        "AVG" => AggregateKind::Average,
        "MIN" => AggregateKind::Min,
        "MAX" => AggregateKind::Max,
        "STDEV" => AggregateKind::Variance { population: false, root: true },
        "STDEVP" => AggregateKind::Variance { population: true, root: true },
        "VAR" => AggregateKind::Variance { population: false, root: false },
        "VARP" => AggregateKind::Variance { population: true, root: false },
        "STRING_AGG" => AggregateKind::StringAgg,
        _ => return None,
    })
}

impl Binder<'_> {
    /// The call as an aggregate or a window function, if it is one.
    pub(super) fn aggregate_or_window(&mut self, call: &Call) -> Result<Option<Typed>> {
        if let Some(over) = &call.over {
            return self.window(call, over).map(Some);
        }
        if !is_aggregate(&call.name) {
            return Ok(None);
        }
        let grouping = self.level()?.grouping.take();
        let Some(mut grouping) = grouping else {
            let message = "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list, and the column being aggregated is an outer reference.";
            return Err(SqlError { class: 15, ..SqlError::new(147, message) });
        };
        // The argument is about the rows before they are grouped.
        let windows = self.level()?.windows.take();
        let aggregate = self.aggregate(call);
        let level = self.level()?;
        level.windows = windows;
        let bound = aggregate.map(|(aggregate, collation)| {
            let typed = Typed {
                collation,
                ..Typed::new(
                    Bound::Column { depth: 0, index: grouping.keys.len() + grouping.aggregates.len() },
                    aggregate.ty,
                    !matches!(aggregate.kind, AggregateKind::Count | AggregateKind::CountRows),
                )
            };
            grouping.aggregates.push(aggregate);
            typed
        });
        level.grouping = Some(grouping);
        bound.map(Some)
    }

    fn aggregate(&mut self, call: &Call) -> Result<(Aggregate, Label)> {
        let kind = kind(&call.name, call.star).ok_or_else(|| SqlError::unsupported(&call.name))?;
        let wanted = match kind {
            AggregateKind::CountRows => 0,
            AggregateKind::StringAgg => 2,
            _ => 1,
        };
        if call.arguments.len() != wanted {
            let message = format!("The {} function requires {wanted} argument(s).", call.name);
            return Err(SqlError { class: 15, ..SqlError::new(174, message) });
        }
        let mut arguments = call.arguments.iter();
        let argument = arguments.next().map(|argument| self.scalar(argument)).transpose()?;
        let separator = arguments.next().map(|separator| self.scalar(separator)).transpose()?;
        let from = argument.as_ref().map_or(SqlType::Int, |argument| argument.ty);
        let collation = argument.as_ref().map(|argument| argument.collation).unwrap_or_default();
        let ty = aggregate_type(kind, &call.name, from)?;
        let text = SqlType::NVarChar(Length::Max);
        let argument = argument.map(|argument| match kind {
            AggregateKind::Sum | AggregateKind::Average if !matches!(from, SqlType::Decimal(..)) => {
                argument.into_type(ty)
            }
            AggregateKind::Variance { .. } => argument.into_type(SqlType::Float),
            AggregateKind::StringAgg => argument.into_type(text),
            _ => argument.expr,
        });
        let order = self.sort_keys(&call.within_group)?;
        let aggregate = Aggregate {
            kind,
            distinct: call.distinct || call.name == "APPROX_COUNT_DISTINCT",
            argument,
            separator: separator.map(|separator| separator.into_type(text)),
            order,
            collation: collation.collation,
            ty,
        };
        Ok((aggregate, collation))
    }

    fn sort_keys(&mut self, order: &[Order]) -> Result<Vec<SortKey>> {
        let key = |binder: &mut Self, key: &Order| {
            let typed = binder.scalar(&key.expr)?;
            if typed.ty.is_legacy() {
                return Err(SqlError::new(
                    306,
                    "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE operator.",
                ));
            }
            let collation = typed.collation.collation;
            Ok(SortKey { expr: typed.expr, descending: key.descending, collation })
        };
        order.iter().map(|one| key(self, one)).collect()
    }

    fn window(&mut self, call: &Call, over: &Window) -> Result<Typed> {
        let Some(windows) = self.level()?.windows.take() else {
            let message = "Windowed functions can only appear in the SELECT or ORDER BY clauses.";
            return Err(SqlError { class: 15, ..SqlError::new(4108, message) });
        };
        let bound = self.window_call(call, over);
        let level = self.level()?;
        let windows = level.windows.insert(windows);
        let (window, ty, nullable, collation) = bound?;
        windows.push(window);
        Ok(Typed { collation, ..Typed::new(Bound::Window(windows.len() - 1), ty, nullable) })
    }

    fn window_call(&mut self, call: &Call, over: &Window) -> Result<(WindowCall, SqlType, bool, Label)> {
        let mut partition = Vec::new();
        for key in &over.partition {
            let typed = self.scalar(key)?;
            partition.push((typed.expr, typed.collation.collation));
        }
        let order = self.sort_keys(&over.order)?;
        if order.iter().any(|key| matches!(key.expr, Bound::Const(_))) {
            let message = "Windowed functions, aggregates and NEXT VALUE FOR functions do not support constants as ORDER BY clause expressions.";
            return Err(SqlError::new(5309, message));
        }
        let mut arguments = Vec::new();
        let is_aggregate = is_aggregate(&call.name);
        if !is_aggregate {
            for argument in &call.arguments {
                arguments.push(self.scalar(argument)?);
            }
        }
        let needs_order = !is_aggregate && !call.name.starts_with("PERCENTILE");
        if needs_order && order.is_empty() {
            let message = format!("The function '{}' must have an OVER clause with ORDER BY.", call.name);
            return Err(SqlError { class: 15, ..SqlError::new(4112, message) });
        }
        let mut arguments = arguments.into_iter();
        let mut argument = || {
            arguments.next().ok_or_else(|| {
                SqlError::new(174, format!("The {} function requires more arguments.", call.name))
            })
        };
        let none = Label::default();
        let (kind, ty, nullable, collation) = match call.name.as_str() {
            "ROW_NUMBER" => (WindowKind::RowNumber, SqlType::BigInt, false, none),
            "RANK" => (WindowKind::Rank, SqlType::BigInt, false, none),
            "DENSE_RANK" => (WindowKind::DenseRank, SqlType::BigInt, false, none),
            "NTILE" => {
                (WindowKind::Ntile(argument()?.into_type(SqlType::BigInt)), SqlType::BigInt, false, none)
            }
            "FIRST_VALUE" | "LAST_VALUE" => {
                let value = argument()?;
                let (ty, collation) = (value.ty, value.collation);
                let first = call.name == "FIRST_VALUE";
                let kind = if first {
                    WindowKind::FirstValue(value.expr)
                } else {
                    WindowKind::LastValue(value.expr)
                };
                (kind, ty, true, collation)
            }
            "LAG" | "LEAD" => {
                let value = argument()?;
                let distance = match argument() {
                    Ok(distance) => match crate::tsql::run::constant(&distance.into_type(SqlType::BigInt))? {
                        crate::tsql::value::Value::Int(distance) => distance,
                        _ => 0,
                    },
                    Err(_) => 1,
                };
                let default = argument().ok().map(|default| default.into_type(value.ty));
                let distance = if call.name == "LAG" { distance.saturating_neg() } else { distance };
                (WindowKind::Lag(value.expr, distance, default), value.ty, true, value.collation)
            }
            "PERCENTILE_CONT" | "PERCENTILE_DISC" => {
                let share = argument()?.into_type(SqlType::Float);
                let [key] = call.within_group.as_slice() else {
                    return Err(SqlError::syntax("WITHIN GROUP"));
                };
                let typed = self.scalar(&key.expr)?;
                let continuous = call.name == "PERCENTILE_CONT";
                if continuous && !typed.ty.is_number() {
                    let message = format!(
                        "Operand data type {} is invalid for percentile_cont operator.",
                        typed.ty.name()
                    );
                    return Err(SqlError::new(8117, message));
                }
                let ty = if continuous { SqlType::Float } else { typed.ty };
                let collation = typed.collation;
                let value = SortKey {
                    expr: typed.into_type(ty),
                    descending: key.descending,
                    collation: collation.collation,
                };
                (WindowKind::Percentile { share, value, continuous }, ty, true, collation)
            }
            _ if is_aggregate => {
                let (aggregate, collation) = self.aggregate(call)?;
                if aggregate.distinct {
                    let message = "Use of DISTINCT is not allowed with the OVER clause.";
                    return Err(SqlError { class: 15, ..SqlError::new(10759, message) });
                }
                let ty = aggregate.ty;
                (WindowKind::Aggregate(aggregate), ty, true, collation)
            }
            name => {
                let message = format!(
                    "The function '{name}' is not a valid windowing function, and cannot be used with the OVER clause."
                );
                return Err(SqlError { class: 15, ..SqlError::new(4113, message) });
            }
        };
        if !call.within_group.is_empty() && !call.name.starts_with("PERCENTILE") {
            return Err(SqlError::syntax("WITHIN GROUP"));
        }
        Ok((WindowCall { kind, partition, order, frame: over.frame }, ty, nullable, collation))
    }
}

fn aggregate_type(kind: AggregateKind, name: &str, from: SqlType) -> Result<SqlType> {
    let refused = || {
        let message =
            format!("Operand data type {} is invalid for {} operator.", from.name(), name.to_lowercase());
        Err(SqlError::new(8117, message))
    };
    match kind {
        AggregateKind::CountRows | AggregateKind::Count => {
            Ok(if name == "COUNT" { SqlType::Int } else { SqlType::BigInt })
        }
        AggregateKind::Min | AggregateKind::Max => {
            if from == SqlType::Bit || from.is_legacy() || from == SqlType::Xml {
                refused()
            } else {
                Ok(from)
            }
        }
        AggregateKind::StringAgg => Ok(if from.text_length() == usize::MAX {
            SqlType::NVarChar(Length::Max)
        } else {
            SqlType::nvarchar(4_000)
        }),
        AggregateKind::Variance { .. } if from.is_number() && from != SqlType::Bit => Ok(SqlType::Float),
        AggregateKind::Sum | AggregateKind::Average => match from {
            SqlType::TinyInt | SqlType::SmallInt | SqlType::Int => Ok(SqlType::Int),
            SqlType::Null if kind == AggregateKind::Sum => Ok(SqlType::Int),
            SqlType::BigInt => Ok(SqlType::BigInt),
            SqlType::Money | SqlType::SmallMoney => Ok(SqlType::Money),
            SqlType::Decimal(_, scale) => {
                Ok(SqlType::Decimal(38, if kind == AggregateKind::Average { scale.max(6) } else { scale }))
            }
            _ if from.family() == Family::Approximate => Ok(SqlType::Float),
            _ => refused(),
        },
        AggregateKind::Variance { .. } => refused(),
    }
}
