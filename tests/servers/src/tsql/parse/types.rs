//! Names of types.

use super::Parser;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::lexer::Token;
use crate::tsql::types::{Length, SqlType};

impl Parser {
    /// A type with its parameters.
    pub(super) fn data_type(&mut self) -> Result<SqlType> {
        let line = self.line();
        let mut name = self.full_name()?;
        let last = name.pop().unwrap_or_default();
        if name.last().is_some_and(|schema| !schema.eq_ignore_ascii_case("sys")) {
            return Err(unknown(&last).at_line(line));
        }
        let lower = last.to_lowercase();
        let ty = match lower.as_str() {
            "bit" => SqlType::Bit,
            "tinyint" => SqlType::TinyInt,
            "smallint" => SqlType::SmallInt,
            "int" | "integer" => SqlType::Int,
            "bigint" => SqlType::BigInt,
            "real" => SqlType::Real,
            "float" => match self.argument::<u8>()? {
                Some(1..=24) => SqlType::Real,
                None | Some(25..=53) => SqlType::Float,
                Some(_) => return Err(self.unexpected()),
            },
            "double" => {
                self.expect_word("PRECISION")?;
                SqlType::Float
            }
            "decimal" | "numeric" | "dec" => self.decimal()?,
            "money" => SqlType::Money,
            "smallmoney" => SqlType::SmallMoney,
            "date" => SqlType::Date,
            "time" => SqlType::Time(self.scale()?),
            "datetime" => SqlType::DateTime,
            "smalldatetime" => SqlType::SmallDateTime,
            "datetime2" => SqlType::DateTime2(self.scale()?),
            "datetimeoffset" => SqlType::DateTimeOffset(self.scale()?),
            "char" => SqlType::Char(self.fixed(8000)?),
            "nchar" => SqlType::NChar(self.fixed(4000)?),
            "varchar" => SqlType::VarChar(self.length(8000)?),
            "nvarchar" => SqlType::NVarChar(self.length(4000)?),
            "sysname" => SqlType::NVarChar(Length::Of(128)),
            "text" => SqlType::Text,
            "ntext" => SqlType::NText,
            "xml" => SqlType::Xml,
            "uniqueidentifier" => SqlType::UniqueIdentifier,
            "binary" => SqlType::Binary(self.fixed(8000)?),
            "varbinary" => SqlType::VarBinary(self.length(8000)?),
            "image" => SqlType::Image,
            "sql_variant" => SqlType::Variant,
            _ => return Err(unknown(&last).at_line(line)),
        };
        Ok(ty)
    }

    fn argument<N: std::str::FromStr>(&mut self) -> Result<Option<N>> {
        if !self.mark("(") {
            return Ok(None);
        }
        let number = self.whole()?;
        self.expect_mark(")")?;
        Ok(Some(number))
    }

    fn scale(&mut self) -> Result<u8> {
        match self.argument()?.unwrap_or(7) {
            scale @ ..=7 => Ok(scale),
            scale => Err(SqlError::new(1002, format!("Line 1: Specified scale {scale} is invalid."))),
        }
    }

    fn decimal(&mut self) -> Result<SqlType> {
        let (mut precision, mut scale) = (18, 0);
        if self.mark("(") {
            precision = self.whole()?;
            if self.mark(",") {
                scale = self.whole()?;
            }
            self.expect_mark(")")?;
        }
        if precision == 0 || precision > 38 || scale > precision {
            let message = format!("Line 1: Specified scale {scale} or precision {precision} is invalid.");
            return Err(SqlError { class: 15, ..SqlError::new(1002, message) });
        }
        Ok(SqlType::Decimal(precision, scale))
    }

    fn fixed(&mut self, max: u16) -> Result<u16> {
        let length = self.argument()?.unwrap_or(1);
        if length == 0 || length > max { Err(too_long(length, max)) } else { Ok(length) }
    }

    fn length(&mut self, max: u16) -> Result<Length> {
        let is_max = matches!(self.peek(), Token::Mark("(")) && self.is_word(1, "MAX");
        if is_max {
            self.at += 2;
            self.expect_mark(")")?;
            return Ok(Length::Max);
        }
        self.fixed(max).map(Length::Of)
    }
}

/// The length that CAST and CONVERT give to string types without one.
pub(super) fn in_conversion(ty: SqlType, had_length: bool) -> SqlType {
    match ty {
        _ if had_length => ty,
        SqlType::VarChar(Length::Of(1)) => SqlType::VarChar(Length::Of(30)),
        SqlType::NVarChar(Length::Of(1)) => SqlType::NVarChar(Length::Of(30)),
        SqlType::Char(1) => SqlType::Char(30),
        SqlType::NChar(1) => SqlType::NChar(30),
        SqlType::VarBinary(Length::Of(1)) => SqlType::VarBinary(Length::Of(30)),
        SqlType::Binary(1) => SqlType::Binary(30),
        ty => ty,
    }
}

fn unknown(name: &str) -> SqlError {
    SqlError::new(243, format!("Type {name} is not a defined system type."))
}

fn too_long(length: u16, max: u16) -> SqlError {
    let message = format!("The size ({length}) given to the type exceeds the maximum allowed ({max}).");
    SqlError { class: 15, ..SqlError::new(131, message) }
}
