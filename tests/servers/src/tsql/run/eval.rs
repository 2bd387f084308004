//! Expressions over a row.

use std::collections::HashSet;
use std::sync::Arc;

use super::like::like;
use super::operate::{arithmetic, holds, negate};
use super::{Cursor, Frame};
use crate::tsql::convert::convert;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::function::Arguments;
use crate::tsql::plan::{Bound, Subquery};
use crate::tsql::types::{Collation, SqlType};
use crate::tsql::value::{Key, Row, Value};

impl Cursor<'_> {
    pub(super) fn eval(&self, expr: &Bound) -> Result<Value> {
        match expr {
            Bound::Const(value) => Ok(value.clone()),
            Bound::Column { depth, index } => self.column(*depth, *index),
            Bound::Window(index) => self.windows.get(*index).cloned().ok_or_else(lost),
            Bound::Convert { expr, from, to, style, lenient } => {
                let value = self.eval(expr)?;
                let style = match style {
                    None => 0,
                    Some(style) => match self.eval(style)? {
                        Value::Int(style) => i32::try_from(style).unwrap_or(-1),
                        _ => return Ok(Value::Null),
                    },
                };
                match convert(value, *from, *to, style) {
                    Err(error) if *lenient && error.number != 529 => Ok(Value::Null),
                    result => result,
                }
            }
            Bound::Negate(inner) => negate(self.eval(inner)?),
            Bound::Arithmetic { operator, left, right, ty } => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                if left.is_null() || right.is_null() {
                    return Ok(Value::Null);
                }
                arithmetic(*operator, &left, &right, *ty)
            }
            Bound::Compare { comparison, left, right, collation } => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                if left.is_null() || right.is_null() {
                    return Ok(Value::Null);
                }
                Ok(Value::Bit(holds(*comparison, left.compare(&right, *collation))))
            }
            Bound::And(left, right) => {
                let left = self.truth(left)?;
                if left == Some(false) {
                    return Ok(Value::Bit(false));
                }
                Ok(Value::of_truth(match (left, self.truth(right)?) {
                    (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }))
            }
            Bound::Or(left, right) => {
                let left = self.truth(left)?;
                if left == Some(true) {
                    return Ok(Value::Bit(true));
                }
                Ok(Value::of_truth(match (left, self.truth(right)?) {
                    (_, Some(true)) => Some(true),
                    (Some(false), Some(false)) => Some(false),
                    _ => None,
                }))
            }
            Bound::Not(inner) => Ok(Value::of_truth(self.truth(inner)?.map(|flag| !flag))),
            Bound::IsNull { expr, negated } => Ok(Value::Bit(self.eval(expr)?.is_null() != *negated)),
            Bound::Like { expr, pattern, escape, collation, negated } => {
                let escape = match escape {
                    None => None,
                    Some(escape) => match self.eval(escape)? {
                        Value::Text(escape) => Some(one_character(&escape)?),
                        _ => return Ok(Value::Null),
                    },
                };
                match (self.eval(expr)?, self.eval(pattern)?) {
                    (Value::Text(text), Value::Text(pattern)) => {
                        Ok(Value::Bit(like(&text, &pattern, escape, *collation) != *negated))
                    }
                    _ => Ok(Value::Null),
                }
            }
            Bound::InList { expr, list, collation, negated } => {
                let value = self.eval(expr)?;
                if value.is_null() {
                    return Ok(Value::Null);
                }
                let mut unknown = false;
                for member in list {
                    let member = self.eval(member)?;
                    unknown |= member.is_null();
                    if !member.is_null() && value.compare(&member, *collation).is_eq() {
                        return Ok(Value::Bit(!negated));
                    }
                }
                Ok(if unknown { Value::Null } else { Value::Bit(*negated) })
            }
            Bound::InQuery { expr, query, convert, collation, negated } => {
                let value = self.eval(expr)?;
                let (found, unknown, empty) = self.among(&value, query, *convert, *collation)?;
                Ok(match (value.is_null(), found) {
                    _ if empty => Value::Bit(*negated),
                    (true, _) => Value::Null,
                    (false, true) => Value::Bit(!negated),
                    (false, false) if unknown => Value::Null,
                    (false, false) => Value::Bit(*negated),
                })
            }
            Bound::Exists(query) => Ok(Value::Bit(!self.rows(query)?.is_empty())),
            Bound::Scalar(query) => {
                let rows = self.rows(query)?;
                match rows.as_slice() {
                    [] => Ok(Value::Null),
                    [row] => row.first().cloned().ok_or_else(lost),
                    _ => {
                        let message = "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression.";
                        Err(SqlError::new(512, message))
                    }
                }
            }
            Bound::Case { branches, otherwise } => {
                for (when, then) in branches {
                    if self.truth(when)? == Some(true) {
                        return self.eval(then);
                    }
                }
                otherwise.as_ref().map_or(Ok(Value::Null), |otherwise| self.eval(otherwise))
            }
            Bound::Coalesce(arguments) => {
                for argument in arguments {
                    let value = self.eval(argument)?;
                    if !value.is_null() {
                        return Ok(value);
                    }
                }
                Ok(Value::Null)
            }
            Bound::Call { function, arguments, types, ty } => {
                let values: Vec<Value> = arguments.iter().map(|one| self.eval(one)).collect::<Result<_>>()?;
                function.call(&Arguments { values: &values, types, ty: *ty, context: &self.run.context })
            }
        }
    }

    pub(super) fn truth(&self, condition: &Bound) -> Result<Option<bool>> {
        Ok(self.eval(condition)?.truth())
    }

    fn column(&self, depth: usize, index: usize) -> Result<Value> {
        let row = match depth {
            0 => Some(self.row),
            _ => {
                let mut frame = self.outer;
                for _ in 1..depth {
                    frame = frame.and_then(|frame| frame.parent);
                }
                frame.map(|frame| frame.row)
            }
        };
        row.and_then(|row| row.get(index)).cloned().ok_or_else(lost)
    }

    /// A subquery's rows; those that look at nothing outside are made once.
    fn rows(&self, query: &Subquery) -> Result<Arc<Vec<Row>>> {
        if let Some(rows) = query.rows.get() {
            return Ok(rows.clone());
        }
        let frame = Frame { row: self.row, parent: self.outer };
        let rows = Arc::new(self.run.rows(&query.plan, Some(&frame))?);
        if !query.correlated {
            let _already = query.rows.set(rows.clone());
        }
        Ok(rows)
    }

    /// Whether the value is among a subquery's, whether NULL is, and whether there are none at all.
    fn among(
        &self,
        value: &Value,
        query: &Subquery,
        types: (SqlType, SqlType),
        collation: Collation,
    ) -> Result<(bool, bool, bool)> {
        let made;
        let (keys, unknown) = match query.keys.get() {
            Some(keys) => keys,
            None => {
                let rows = self.rows(query)?;
                let mut keys: HashSet<Key> = HashSet::with_capacity(rows.len());
                let mut unknown = false;
                for row in rows.iter() {
                    self.run.check()?;
                    let member = row.first().cloned().unwrap_or(Value::Null);
                    let member =
                        if types.0 == types.1 { member } else { convert(member, types.0, types.1, 0)? };
                    unknown |= member.is_null();
                    if !member.is_null() {
                        keys.insert(member.key(collation));
                    }
                }
                if query.correlated {
                    made = (keys, unknown);
                    &made
                } else {
                    query.keys.get_or_init(|| (keys, unknown))
                }
            }
        };
        let empty = keys.is_empty() && !unknown;
        Ok((!value.is_null() && keys.contains(&value.key(collation)), *unknown, empty))
    }
}

fn one_character(escape: &str) -> Result<char> {
    let mut characters = escape.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Ok(character),
        _ => {
            let message =
                format!("The invalid escape character \"{escape}\" was specified in a LIKE predicate.");
            Err(SqlError::new(506, message))
        }
    }
}

/// A position that binding gave does not exist in the row: the double itself is wrong.
fn lost() -> SqlError {
    SqlError { class: 20, ..SqlError::new(596, "The double lost a column between binding and running.") }
}
