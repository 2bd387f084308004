//! Function calls.

use super::operator::compare;
use super::{Binder, Label, Typed};
use crate::tsql::ast::{Call, Comparison, Expr};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::function::{self, Definition, Gives, Takes};
use crate::tsql::plan::Bound;
use crate::tsql::types::{Family, Length, SqlType};
use crate::tsql::value::Value;

impl Binder<'_> {
    pub(super) fn call(&mut self, call: &Call) -> Result<Typed> {
        if let Some(typed) = self.aggregate_or_window(call)? {
            return Ok(typed);
        }
        if call.distinct || call.star || !call.within_group.is_empty() {
            return Err(SqlError::unsupported(&call.name));
        }
        match (call.name.as_str(), call.arguments.as_slice()) {
            ("COALESCE", arguments) if arguments.len() > 1 => self.coalesce(arguments, None),
            ("ISNULL", [value, instead]) => {
                let ty = self.scalar(value)?.ty;
                self.coalesce(&[value.clone(), instead.clone()], Some(ty).filter(|ty| *ty != SqlType::Null))
            }
            ("NULLIF", [value, other]) => {
                let same = compare(Comparison::Equal, self.scalar(value)?, self.scalar(other)?)?;
                let value = self.scalar(value)?;
                let (ty, collation) = (value.ty, value.collation);
                let branches = vec![(same, Bound::Const(Value::Null))];
                let expr = Bound::Case { branches, otherwise: Some(Box::new(value.expr)) };
                Ok(Typed { collation, ..Typed::new(expr, ty, true) })
            }
            ("IIF", [condition, then, otherwise]) => self.any_case(condition, then, otherwise),
            ("CONCAT", arguments) if arguments.len() > 1 => self.concat(arguments),
            ("GREATEST" | "LEAST", arguments) if !arguments.is_empty() => {
                let typed: Vec<Typed> =
                    arguments.iter().map(|argument| self.scalar(argument)).collect::<Result<_>>()?;
                let ty = typed.iter().map(|typed| typed.ty).reduce(SqlType::unify).unwrap_or(SqlType::Null);
                let function = if call.name == "GREATEST" { function::GREATEST } else { function::LEAST };
                let arguments: Vec<Bound> = typed.into_iter().map(|typed| typed.into_type(ty)).collect();
                let types = vec![ty; arguments.len()];
                Ok(Typed::new(Bound::Call { function, arguments, types, ty }, ty, true))
            }
            (name, arguments) => match function::find(name) {
                Some(definition) => self.defined(definition, arguments),
                None => {
                    let message = format!("'{name}' is not a recognized built-in function name.");
                    Err(SqlError { class: 15, state: 10, ..SqlError::new(195, message) })
                }
            },
        }
    }

    fn any_case(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr) -> Result<Typed> {
        let case = Expr::Case {
            operand: None,
            branches: vec![(condition.clone(), then.clone())],
            otherwise: Some(Box::new(otherwise.clone())),
        };
        self.scalar(&case)
    }

    fn coalesce(&mut self, arguments: &[Expr], ty: Option<SqlType>) -> Result<Typed> {
        let typed: Vec<Typed> =
            arguments.iter().map(|argument| self.scalar(argument)).collect::<Result<_>>()?;
        let shared = typed.iter().map(|typed| typed.ty).reduce(SqlType::unify).unwrap_or(SqlType::Null);
        let ty = ty.unwrap_or(shared);
        let nullable = typed.iter().all(|typed| typed.nullable);
        let mut collation = Label::default();
        for one in typed.iter().filter(|typed| typed.ty.is_text()) {
            collation = collation.meet(one.collation)?;
        }
        let arguments = typed.into_iter().map(|typed| typed.into_type(ty)).collect();
        Ok(Typed { collation, ..Typed::new(Bound::Coalesce(arguments), ty, nullable) })
    }

    fn concat(&mut self, arguments: &[Expr]) -> Result<Typed> {
        let typed: Vec<Typed> =
            arguments.iter().map(|argument| self.scalar(argument)).collect::<Result<_>>()?;
        let national = typed.iter().any(|typed| typed.ty.is_national() || typed.ty == SqlType::Variant);
        let lengths = typed.iter().map(|typed| typed.ty.text_length());
        let length = lengths.fold(0_usize, usize::saturating_add);
        let max = typed.iter().any(|typed| typed.ty.is_text() && typed.ty.text_length() == usize::MAX);
        let (ty, to) = match national {
            true => (
                SqlType::nvarchar(if max { usize::MAX } else { length.min(4_000) }),
                SqlType::NVarChar(Length::Max),
            ),
            false => (
                SqlType::varchar(if max { usize::MAX } else { length.min(8_000) }),
                SqlType::VarChar(Length::Max),
            ),
        };
        let mut collation = Label::default();
        for one in typed.iter().filter(|typed| typed.ty.is_text()) {
            collation = collation.meet(one.collation)?;
        }
        let arguments: Vec<Bound> = typed.into_iter().map(|typed| typed.into_type(to)).collect();
        let types = vec![to; arguments.len()];
        let call = Bound::Call { function: function::CONCAT, arguments, types, ty };
        Ok(Typed { collation, ..Typed::new(call, ty, false) })
    }

    fn defined(&mut self, definition: &'static Definition, arguments: &[Expr]) -> Result<Typed> {
        let (least, most) = definition.arguments;
        if !(least..=most).contains(&arguments.len()) {
            let message = format!(
                "The {} function requires {least} argument(s).",
                definition.function.name().to_lowercase()
            );
            return Err(SqlError { class: 15, ..SqlError::new(174, message) });
        }
        let mut bound = Vec::with_capacity(arguments.len());
        let mut types = Vec::with_capacity(arguments.len());
        let mut declared = Vec::with_capacity(arguments.len());
        let mut collation = Label::default();
        let mut nullable = definition.nullable;
        for (position, argument) in arguments.iter().enumerate() {
            let takes =
                definition.takes.get(position).or(definition.takes.last()).copied().unwrap_or(Takes::Any);
            if takes == Takes::Part {
                let Expr::Column(name) = argument else {
                    return Err(function::invalid_part("?", definition.function));
                };
                let part = name.first().cloned().unwrap_or_default();
                bound.push(Bound::Const(Value::text(function::part_name(&part, definition.function)?)));
                types.push(SqlType::nvarchar(30));
                declared.push(SqlType::nvarchar(30));
                continue;
            }
            let typed = self.scalar(argument)?;
            if typed.ty.is_text() && position == 0 {
                collation = typed.collation;
            }
            nullable |= typed.nullable;
            declared.push(typed.ty);
            let to = taken_as(takes, typed.ty, definition)?;
            types.push(to);
            bound.push(typed.into_type(to));
        }
        let ty = given(definition.gives, &declared, &types);
        let ty = sharpened(definition, ty, &bound);
        let expr = Bound::Call { function: definition.function, arguments: bound, types, ty };
        let collation = if ty.is_text() { collation } else { Label::default() };
        Ok(Typed { collation, ..Typed::new(expr, ty, nullable) })
    }

    /// `@@…`.
    pub(super) fn global(&self, name: &str) -> Result<Typed> {
        let facts = &self.context.facts;
        let int = |value: i64| Typed::constant(Value::Int(value), SqlType::Int);
        let text = |text: &str| Typed::constant(Value::text(text), SqlType::nvarchar(300));
        Ok(match name.to_uppercase().as_str() {
            "@@SPID" => Typed::constant(Value::Int(i64::from(facts.spid)), SqlType::SmallInt),
            "@@TRANCOUNT" => int(i64::from(facts.transactions)),
            "@@ROWCOUNT" => int(facts.row_count),
            "@@ERROR" => int(0),
            "@@VERSION" => text(&function::version_text(facts.major_version)),
            "@@SERVERNAME" => text("sqlserver-double"),
            "@@LANGUAGE" => text("us_english"),
            "@@DATEFIRST" => Typed::constant(Value::Int(7), SqlType::TinyInt),
            "@@LOCK_TIMEOUT" => int(-1),
            "@@MAX_PRECISION" => Typed::constant(Value::Int(38), SqlType::TinyInt),
            _ => {
                let message = format!("Must declare the scalar variable \"{name}\".");
                return Err(SqlError { class: 15, ..SqlError::new(137, message) });
            }
        })
    }
}

/// The type that an argument is converted to.
fn taken_as(takes: Takes, ty: SqlType, definition: &Definition) -> Result<SqlType> {
    let refused = || {
        let name = definition.function.name().to_lowercase();
        let message =
            format!("Argument data type {} is invalid for argument 1 of {name} function.", ty.name());
        Err(SqlError::new(8116, message))
    };
    Ok(match takes {
        Takes::Any | Takes::Part => ty,
        Takes::Text if ty.is_legacy() => return refused(),
        Takes::Text => match ty {
            ty if ty.is_text() && ty != SqlType::Xml => ty,
            SqlType::Null => SqlType::nvarchar(1),
            ty if matches!(ty.family(), Family::Bytes) => SqlType::VarChar(Length::Max),
            _ => SqlType::varchar(ty.text_length().min(8_000)),
        },
        Takes::Unicode => SqlType::NVarChar(Length::Max),
        Takes::Int => SqlType::Int,
        Takes::BigInt => SqlType::BigInt,
        Takes::Float => SqlType::Float,
        Takes::Number => match ty {
            SqlType::Bit | SqlType::TinyInt | SqlType::SmallInt | SqlType::Null => SqlType::Int,
            SqlType::Real => SqlType::Float,
            SqlType::SmallMoney => SqlType::Money,
            ty if ty.is_number() => ty,
            ty if ty.is_text() => SqlType::Float,
            _ => return refused(),
        },
        Takes::Moment => match ty {
            ty if ty.family() == Family::Moment => ty,
            SqlType::Null => SqlType::DateTime,
            ty if ty.is_text() => SqlType::DateTimeOffset(7),
            ty if ty.is_number() => SqlType::DateTime,
            _ => return refused(),
        },
        Takes::OldMoment => match ty {
            ty if ty.family() == Family::Moment => ty,
            _ => SqlType::DateTime,
        },
        Takes::Date => SqlType::Date,
    })
}

fn given(gives: Gives, declared: &[SqlType], types: &[SqlType]) -> SqlType {
    let at = |position: usize| types.get(position).copied().unwrap_or(SqlType::Null);
    match gives {
        Gives::Type(ty) => ty,
        Gives::As(position) => at(position),
        Gives::Long(position) => {
            let long = declared.get(position).is_some_and(|ty| {
                matches!(
                    ty,
                    SqlType::VarChar(Length::Max)
                        | SqlType::NVarChar(Length::Max)
                        | SqlType::VarBinary(Length::Max)
                )
            });
            if long { SqlType::BigInt } else { SqlType::Int }
        }
        Gives::Text(position) => match at(position) {
            SqlType::Char(length) => SqlType::VarChar(Length::Of(length)),
            SqlType::NChar(length) => SqlType::NVarChar(Length::Of(length)),
            ty => ty,
        },
        Gives::LongText(position) => match at(position) {
            ty if ty.text_length() == usize::MAX => ty,
            ty if ty.is_national() => SqlType::nvarchar(4_000),
            _ => SqlType::varchar(8_000),
        },
        Gives::Zoned(position) => match at(position) {
            SqlType::DateTimeOffset(scale) | SqlType::DateTime2(scale) => SqlType::DateTimeOffset(scale),
            SqlType::DateTime => SqlType::DateTimeOffset(3),
            _ => SqlType::DateTimeOffset(7),
        },
    }
}

/// DATETIME2FROMPARTS and its like say their scale in their last argument; FLOOR and CEILING of decimals lose theirs.
fn sharpened(definition: &Definition, ty: SqlType, arguments: &[Bound]) -> SqlType {
    let scale = || match arguments.last() {
        Some(Bound::Const(Value::Int(scale @ 0..=7))) => u8::try_from(*scale).unwrap_or(7),
        _ => 7,
    };
    match (definition.function.name(), ty) {
        ("DATETIME2FROMPARTS", _) => SqlType::DateTime2(scale()),
        ("TIMEFROMPARTS", _) => SqlType::Time(scale()),
        ("FLOOR" | "CEILING", SqlType::Decimal(precision, _)) => SqlType::Decimal(precision, 0),
        (_, ty) => ty,
    }
}
