//! Expressions and conditions.

use std::sync::Arc;

use super::operator::{arithmetic, comparable, compare, operand_clash};
use super::{Binder, Label, Strength, Typed};
use crate::tsql::ast::{Comparison, Expr, Literal};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::plan::Bound;
use crate::tsql::types::{Collation, Length, SqlType};
use crate::tsql::value::Value;

impl Binder<'_> {
    /// An expression that gives a value.
    pub(crate) fn scalar(&mut self, expr: &Expr) -> Result<Typed> {
        let typed = self.any(expr)?;
        if typed.ty == SqlType::Boolean {
            return Err(SqlError::unsupported("a condition where a value is expected"));
        }
        Ok(typed)
    }

    /// An expression that is true, false or unknown.
    pub(crate) fn condition(&mut self, expr: &Expr) -> Result<Bound> {
        let typed = self.any(expr)?;
        if typed.ty == SqlType::Boolean {
            return Ok(typed.expr);
        }
        let message =
            "An expression of non-boolean type specified in a context where a condition is expected.";
        Err(SqlError { class: 15, ..SqlError::new(4145, message) })
    }

    fn any(&mut self, expr: &Expr) -> Result<Typed> {
        if let Some(key) = self.group_key(expr) {
            return Ok(key);
        }
        let truth = |expr: Bound| Ok(Typed::new(expr, SqlType::Boolean, true));
        match expr {
            Expr::Literal(literal) => Ok(self::literal(literal)),
            Expr::Variable(name) => self.variable(name),
            Expr::Column(name) => self.column(name),
            Expr::Negate(inner) => {
                let inner = self.scalar(inner)?;
                if !inner.ty.is_number() {
                    return Err(operand_clash("minus", inner.ty));
                }
                let ty = if inner.ty == SqlType::Bit { SqlType::Int } else { inner.ty };
                let nullable = inner.nullable;
                Ok(Typed::new(Bound::Negate(Box::new(inner.into_type(ty))), ty, nullable))
            }
            Expr::Arithmetic(operator, left, right) => {
                let (left, right) = (self.scalar(left)?, self.scalar(right)?);
                arithmetic(*operator, left, right)
            }
            Expr::Compare(comparison, left, right) => {
                let (left, right) = (self.scalar(left)?, self.scalar(right)?);
                truth(compare(*comparison, left, right)?)
            }
            Expr::And(left, right) => {
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                truth(Bound::And(Box::new(left), Box::new(right)))
            }
            Expr::Or(left, right) => {
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                truth(Bound::Or(Box::new(left), Box::new(right)))
            }
            Expr::Not(inner) => truth(Bound::Not(Box::new(self.condition(inner)?))),
            Expr::IsNull { expr, negated } => {
                truth(Bound::IsNull { expr: Box::new(self.scalar(expr)?.expr), negated: *negated })
            }
            Expr::Like { expr, pattern, escape, negated } => {
                truth(self.like(expr, pattern, escape.as_deref(), *negated)?)
            }
            Expr::Between { expr, low, high, negated } => {
                let above = compare(Comparison::GreaterOrEqual, self.scalar(expr)?, self.scalar(low)?)?;
                let below = compare(Comparison::LessOrEqual, self.scalar(expr)?, self.scalar(high)?)?;
                let between = Bound::And(Box::new(above), Box::new(below));
                truth(if *negated { Bound::Not(Box::new(between)) } else { between })
            }
            Expr::InList { expr, list, negated } => truth(self.in_list(expr, list, *negated)?),
            Expr::InQuery { expr, query, negated } => {
                let left = self.scalar(expr)?;
                let (query, columns) = self.subquery(query)?;
                let [column] = columns.as_slice() else { return Err(one_column()) };
                let collation = left.collation.meet(column.collation)?.collation;
                let ty = left.ty.unify(column.ty);
                comparable(left.ty, column.ty)?;
                let expr = Box::new(left.into_type(ty));
                truth(Bound::InQuery { expr, query, convert: (column.ty, ty), collation, negated: *negated })
            }
            Expr::Exists(query) => {
                let (query, _) = self.subquery(query)?;
                truth(Bound::Exists(query))
            }
            Expr::Subquery(query) => {
                let (query, columns) = self.subquery(query)?;
                let [column] = columns.as_slice() else { return Err(one_column()) };
                let typed = Typed::new(Bound::Scalar(query), column.ty, true);
                Ok(Typed { collation: column.collation, ..typed })
            }
            Expr::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref())
            }
            Expr::Convert { expr, to, style, lenient } => {
                let inner = self.scalar(expr)?;
                let style = match style {
                    Some(style) => Some(Box::new(self.scalar(style)?.into_type(SqlType::Int))),
                    None => None,
                };
                let (nullable, collation) = (inner.nullable || *lenient, inner.collation);
                let (from, lenient) = (inner.ty, *lenient);
                let expr = Bound::Convert { expr: Box::new(inner.expr), from, to: *to, style, lenient };
                // A text that was a column's keeps its collation; anything else gets the database's.
                let collation = if from.is_text() && to.is_text() { collation } else { Label::default() };
                Ok(Typed { collation, ..Typed::new(expr, *to, nullable) })
            }
            Expr::Call(call) => self.call(call),
            Expr::Collate(inner, name) => {
                let inner = self.scalar(inner)?;
                let Some(collation) = Collation::named(name) else {
                    return Err(SqlError::new(448, format!("Invalid collation '{name}'.")));
                };
                if !inner.ty.is_text() && inner.ty != SqlType::Null {
                    let message =
                        format!("Expression type {} is invalid for COLLATE clause.", inner.ty.name());
                    return Err(SqlError::new(447, message));
                }
                Ok(Typed { collation: Label { collation, strength: Strength::Explicit }, ..inner })
            }
            Expr::AtTimeZone(moment, zone) => self.at_time_zone(moment, zone),
        }
    }

    /// The key of GROUP BY that the expression is, if any.
    fn group_key(&mut self, expr: &Expr) -> Option<Typed> {
        if matches!(expr, Expr::Literal(_) | Expr::Variable(_) | Expr::Exists(_) | Expr::Subquery(_)) {
            return None;
        }
        let grouping = self.levels.last_mut()?.grouping.take()?;
        let windows = self.levels.last_mut()?.windows.take();
        let found = if grouping.keys.is_empty() {
            None
        } else {
            self.any(expr).ok().and_then(|typed| {
                let shown = format!("{:?}", typed.expr);
                let position = grouping.keys.iter().position(|(key, ..)| *key == shown)?;
                let (_, ty, nullable, collation) = grouping.keys.get(position)?;
                let key = Bound::Column { depth: 0, index: position };
                Some(Typed { collation: *collation, ..Typed::new(key, *ty, *nullable) })
            })
        };
        let level = self.levels.last_mut()?;
        level.grouping = Some(grouping);
        level.windows = windows;
        found
    }

    fn variable(&self, name: &str) -> Result<Typed> {
        if name.starts_with("@@") {
            return self.global(name);
        }
        match self.context.variables.get(&name.to_lowercase()) {
            Some((ty, value)) => {
                let nullable = true;
                Ok(Typed { nullable, ..Typed::constant(value.clone(), *ty) })
            }
            None => {
                let message = format!("Must declare the scalar variable \"{name}\".");
                Err(SqlError { class: 15, ..SqlError::new(137, message) })
            }
        }
    }

    fn like(&mut self, expr: &Expr, pattern: &Expr, escape: Option<&Expr>, negated: bool) -> Result<Bound> {
        let (expr, pattern) = (self.scalar(expr)?, self.scalar(pattern)?);
        let collation = expr.collation.meet(pattern.collation)?.collation;
        let text = SqlType::NVarChar(Length::Max);
        let escape = match escape {
            Some(escape) => Some(Box::new(self.scalar(escape)?.into_type(text))),
            None => None,
        };
        let (expr, pattern) = (Box::new(expr.into_type(text)), Box::new(pattern.into_type(text)));
        Ok(Bound::Like { expr, pattern, escape, collation, negated })
    }

    fn in_list(&mut self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Bound> {
        let left = self.scalar(expr)?;
        let members: Vec<Typed> = list.iter().map(|member| self.scalar(member)).collect::<Result<_>>()?;
        let mut collation = left.collation;
        let mut ty = left.ty;
        for member in &members {
            comparable(left.ty, member.ty)?;
            collation = collation.meet(member.collation)?;
            ty = ty.unify(member.ty);
        }
        let list = members.into_iter().map(|member| member.into_type(ty)).collect();
        let expr = Box::new(left.into_type(ty));
        Ok(Bound::InList { expr, list, collation: collation.collation, negated })
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        branches: &[(Expr, Expr)],
        otherwise: Option<&Expr>,
    ) -> Result<Typed> {
        let mut bound = Vec::with_capacity(branches.len());
        for (when, then) in branches {
            let when = match operand {
                Some(operand) => compare(Comparison::Equal, self.scalar(operand)?, self.scalar(when)?)?,
                None => self.condition(when)?,
            };
            bound.push((when, self.scalar(then)?));
        }
        let otherwise = otherwise.map(|otherwise| self.scalar(otherwise)).transpose()?;
        let results = || bound.iter().map(|(_, then)| then).chain(&otherwise);
        let ty = results().map(|typed| typed.ty).reduce(SqlType::unify).unwrap_or(SqlType::Null);
        let nullable = otherwise.is_none() || results().any(|typed| typed.nullable);
        let mut collation = Label::default();
        for typed in results().filter(|typed| typed.ty.is_text()) {
            collation = collation.meet(typed.collation)?;
        }
        let branches = bound.into_iter().map(|(when, then)| (when, then.into_type(ty))).collect();
        let otherwise = otherwise.map(|otherwise| Box::new(otherwise.into_type(ty)));
        Ok(Typed { collation, ..Typed::new(Bound::Case { branches, otherwise }, ty, nullable) })
    }

    /// Only UTC, which needs no rules of daylight saving.
    fn at_time_zone(&mut self, moment: &Expr, zone: &Expr) -> Result<Typed> {
        let moment = self.scalar(moment)?;
        match zone {
            Expr::Literal(Literal::Text(name, _)) if name.eq_ignore_ascii_case("UTC") => {}
            _ => return Err(SqlError::unsupported("AT TIME ZONE with another zone than 'UTC'")),
        }
        let (ty, nullable) = (moment.ty, moment.nullable);
        let scale = match ty {
            SqlType::DateTimeOffset(scale) | SqlType::DateTime2(scale) => scale,
            SqlType::DateTime => 3,
            SqlType::SmallDateTime => 0,
            _ => return Err(operand_clash("AT TIME ZONE", ty)),
        };
        let to = SqlType::DateTimeOffset(scale);
        let expr = match ty {
            SqlType::DateTimeOffset(_) => Bound::Call {
                function: crate::tsql::function::TO_UTC,
                arguments: vec![moment.expr],
                types: vec![ty],
                ty: to,
            },
            _ => moment.into_type(to),
        };
        Ok(Typed::new(expr, to, nullable))
    }
}

fn literal(literal: &Literal) -> Typed {
    match literal {
        Literal::Null => Typed::constant(Value::Null, SqlType::Null),
        Literal::Int(whole) => Typed::constant(Value::Int(i64::from(*whole)), SqlType::Int),
        Literal::Decimal(number) => {
            Typed::constant(Value::Decimal(*number), SqlType::Decimal(number.precision(), number.scale))
        }
        Literal::Float(number) => Typed::constant(Value::Float(*number), SqlType::Float),
        Literal::Text(text, true) => {
            Typed::constant(Value::text(text), SqlType::nvarchar(text.encode_utf16().count()))
        }
        Literal::Text(text, false) => {
            let narrow = crate::tsql::charset::narrow(text);
            let length = narrow.chars().count();
            Typed::constant(Value::text(narrow), SqlType::varchar(length))
        }
        Literal::Bytes(bytes) => {
            Typed::constant(Value::Bytes(Arc::from(bytes.as_slice())), SqlType::varbinary(bytes.len()))
        }
    }
}

fn one_column() -> SqlError {
    let message = "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.";
    SqlError::new(116, message)
}
