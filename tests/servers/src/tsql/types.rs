//! The types of T-SQL.

use std::fmt;

/// How long a string may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// So many bytes or UTF-16 units.
    Of(u16),
    /// `max`.
    Max,
}

/// A type with its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SqlType {
    /// What the word NULL is before something gives it a type; sent as `int`.
    Null,
    /// What a condition gives; no column has it.
    Boolean,
    Bit,
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Real,
    Float,
    /// Precision, scale.
    Decimal(u8, u8),
    SmallMoney,
    Money,
    Date,
    /// Digits of the second's fraction.
    Time(u8),
    SmallDateTime,
    DateTime,
    DateTime2(u8),
    DateTimeOffset(u8),
    Char(u16),
    VarChar(Length),
    Text,
    NChar(u16),
    NVarChar(Length),
    NText,
    Xml,
    UniqueIdentifier,
    Binary(u16),
    VarBinary(Length),
    Image,
    Variant,
}

/// The types' families, in which they convert alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Null,
    Boolean,
    Integer,
    Approximate,
    Exact,
    Moment,
    Text,
    Guid,
    Bytes,
    Variant,
}

impl SqlType {
    /// `nvarchar(n)`, or `nvarchar(max)` where n is more than a row holds.
    pub(crate) fn nvarchar(length: usize) -> Self {
        match u16::try_from(length) {
            Ok(length @ ..=4000) => Self::NVarChar(Length::Of(length.max(1))),
            _ => Self::NVarChar(Length::Max),
        }
    }

    /// `varchar(n)`, or `varchar(max)`.
    pub(crate) fn varchar(length: usize) -> Self {
        match u16::try_from(length) {
            Ok(length @ ..=8000) => Self::VarChar(Length::Of(length.max(1))),
            _ => Self::VarChar(Length::Max),
        }
    }

    /// `varbinary(n)`, or `varbinary(max)`.
    pub(crate) fn varbinary(length: usize) -> Self {
        match u16::try_from(length) {
            Ok(length @ ..=8000) => Self::VarBinary(Length::Of(length.max(1))),
            _ => Self::VarBinary(Length::Max),
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Null => Family::Null,
            Self::Boolean => Family::Boolean,
            Self::Bit | Self::TinyInt | Self::SmallInt | Self::Int | Self::BigInt => Family::Integer,
            Self::Real | Self::Float => Family::Approximate,
            Self::Decimal(..) | Self::SmallMoney | Self::Money => Family::Exact,
            Self::Date
            | Self::Time(_)
            | Self::SmallDateTime
            | Self::DateTime
            | Self::DateTime2(_)
            | Self::DateTimeOffset(_) => Family::Moment,
            Self::Char(_)
            | Self::VarChar(_)
            | Self::Text
            | Self::NChar(_)
            | Self::NVarChar(_)
            | Self::NText
            | Self::Xml => Family::Text,
            Self::UniqueIdentifier => Family::Guid,
            Self::Binary(_) | Self::VarBinary(_) | Self::Image => Family::Bytes,
            Self::Variant => Family::Variant,
        }
    }

    pub(crate) fn is_text(self) -> bool {
        self.family() == Family::Text
    }

    pub(crate) fn is_number(self) -> bool {
        matches!(self.family(), Family::Integer | Family::Approximate | Family::Exact)
    }

    /// Whether texts of this type are Unicode.
    pub(crate) const fn is_national(self) -> bool {
        matches!(self, Self::NChar(_) | Self::NVarChar(_) | Self::NText | Self::Xml)
    }

    /// The old large types, which can hardly do anything but be fetched.
    pub(crate) const fn is_legacy(self) -> bool {
        matches!(self, Self::Text | Self::NText | Self::Image)
    }

    /// The characters or bytes that a string type holds; of others, what their text needs.
    pub(crate) const fn text_length(self) -> usize {
        match self {
            Self::Char(length) | Self::NChar(length) | Self::Binary(length) => length as usize,
            Self::VarChar(Length::Of(length))
            | Self::NVarChar(Length::Of(length))
            | Self::VarBinary(Length::Of(length)) => length as usize,
            Self::VarChar(Length::Max)
            | Self::NVarChar(Length::Max)
            | Self::VarBinary(Length::Max)
            | Self::Text
            | Self::NText
            | Self::Xml
            | Self::Image
            | Self::Variant => usize::MAX,
            Self::Null | Self::Boolean | Self::Bit => 1,
            Self::TinyInt => 3,
            Self::SmallInt => 6,
            Self::Int => 12,
            Self::BigInt => 24,
            Self::UniqueIdentifier => 36,
            _ => 41,
        }
    }

    /// The order in which types give way to one another (documentation, "Data type precedence").
    pub(crate) const fn precedence(self) -> u8 {
        match self {
            Self::Null | Self::Boolean => 0,
            Self::Binary(_) => 1,
            Self::VarBinary(_) => 2,
            Self::Char(_) => 3,
            Self::VarChar(_) => 4,
            Self::NChar(_) => 5,
            Self::NVarChar(_) => 6,
            Self::UniqueIdentifier => 7,
            Self::Image => 9,
            Self::Text => 10,
            Self::NText => 11,
            Self::Bit => 12,
            Self::TinyInt => 13,
            Self::SmallInt => 14,
            Self::Int => 15,
            Self::BigInt => 16,
            Self::SmallMoney => 17,
            Self::Money => 18,
            Self::Decimal(..) => 19,
            Self::Real => 20,
            Self::Float => 21,
            Self::Time(_) => 22,
            Self::Date => 23,
            Self::SmallDateTime => 24,
            Self::DateTime => 25,
            Self::DateTime2(_) => 26,
            Self::DateTimeOffset(_) => 27,
            Self::Xml => 28,
            Self::Variant => 29,
        }
    }

    /// A number's type as a decimal: precision and scale.
    pub(crate) const fn as_decimal(self) -> (u8, u8) {
        match self {
            Self::Bit => (1, 0),
            Self::TinyInt => (3, 0),
            Self::SmallInt => (5, 0),
            Self::Int => (10, 0),
            Self::BigInt => (19, 0),
            Self::SmallMoney => (10, 4),
            Self::Money => (19, 4),
            Self::Decimal(precision, scale) => (precision, scale),
            _ => (38, 6),
        }
    }

    /// The type that two values share when they meet (CASE, UNION, comparisons).
    pub(crate) fn unify(self, other: Self) -> Self {
        let (low, high) = if self.precedence() <= other.precedence() { (self, other) } else { (other, self) };
        if low == Self::Null {
            return high;
        }
        match (low, high) {
            (low, Self::Decimal(..)) if low.is_number() => {
                let ((p1, s1), (p2, s2)) = (low.as_decimal(), high.as_decimal());
                let scale = s1.max(s2);
                let whole = (p1 - s1).max(p2 - s2);
                Self::Decimal((whole + scale).min(38), scale.min(38 - whole.min(38)))
            }
            (Self::Time(a), Self::Time(b)) => Self::Time(a.max(b)),
            (Self::DateTime2(a), Self::DateTime2(b)) => Self::DateTime2(a.max(b)),
            (Self::DateTime, Self::DateTime2(_)) => Self::DateTime2(7),
            (Self::DateTime, Self::DateTimeOffset(_)) => Self::DateTimeOffset(7),
            (Self::DateTime2(a), Self::DateTimeOffset(b))
            | (Self::DateTimeOffset(a), Self::DateTimeOffset(b)) => Self::DateTimeOffset(a.max(b)),
            (low, Self::NVarChar(_)) if low.is_text() => {
                Self::nvarchar(low.text_length().max(high.text_length()))
            }
            (low, Self::NChar(b)) if low.is_text() => match low {
                Self::NChar(a) | Self::Char(a) => Self::NChar(a.max(b)),
                _ => Self::nvarchar(low.text_length().max(usize::from(b))),
            },
            (low, Self::VarChar(_)) if low.is_text() => {
                Self::varchar(low.text_length().max(high.text_length()))
            }
            (Self::Char(a), Self::Char(b)) => Self::Char(a.max(b)),
            (Self::Binary(a), Self::Binary(b)) => Self::Binary(a.max(b)),
            (low, Self::VarBinary(_)) => Self::varbinary(low.text_length().max(high.text_length())),
            (_, high) => high,
        }
    }

    /// The name in `sys.types`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null | Self::Int => "int",
            Self::Boolean | Self::Bit => "bit",
            Self::TinyInt => "tinyint",
            Self::SmallInt => "smallint",
            Self::BigInt => "bigint",
            Self::Real => "real",
            Self::Float => "float",
            Self::Decimal(..) => "decimal",
            Self::SmallMoney => "smallmoney",
            Self::Money => "money",
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::SmallDateTime => "smalldatetime",
            Self::DateTime => "datetime",
            Self::DateTime2(_) => "datetime2",
            Self::DateTimeOffset(_) => "datetimeoffset",
            Self::Char(_) => "char",
            Self::VarChar(_) => "varchar",
            Self::Text => "text",
            Self::NChar(_) => "nchar",
            Self::NVarChar(_) => "nvarchar",
            Self::NText => "ntext",
            Self::Xml => "xml",
            Self::UniqueIdentifier => "uniqueidentifier",
            Self::Binary(_) => "binary",
            Self::VarBinary(_) => "varbinary",
            Self::Image => "image",
            Self::Variant => "sql_variant",
        }
    }
}

impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match self {
            Self::Decimal(precision, scale) => write!(f, "{name}({precision},{scale})"),
            Self::Time(scale) | Self::DateTime2(scale) | Self::DateTimeOffset(scale) => {
                write!(f, "{name}({scale})")
            }
            Self::Char(length) | Self::NChar(length) | Self::Binary(length) => write!(f, "{name}({length})"),
            Self::VarChar(length) | Self::NVarChar(length) | Self::VarBinary(length) => match length {
                Length::Of(length) => write!(f, "{name}({length})"),
                Length::Max => write!(f, "{name}(max)"),
            },
            _ => f.write_str(name),
        }
    }
}

/// How texts compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Collation {
    /// By code unit (`…_BIN2`).
    #[default]
    Binary,
    /// Capitals equal small letters (`…_CI_…`).
    CaseInsensitive,
    /// Alphabetical, small letters before capitals (`…_CS_…`).
    CaseSensitive,
}

impl Collation {
    /// The collation of every database of the double, and with it of columns that name none.
    pub(crate) const DEFAULT_NAME: &str = "Latin1_General_100_BIN2";

    /// The behaviour of a collation by its name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let upper = name.to_ascii_uppercase();
        let known = ["LATIN1_GENERAL", "SQL_LATIN1_GENERAL"].iter().any(|family| upper.starts_with(family));
        let words = || upper.split('_');
        match () {
            () if upper == "DATABASE_DEFAULT" => Some(Self::Binary),
            () if !known => None,
            () if words().any(|word| word == "BIN2" || word == "BIN") => Some(Self::Binary),
            () if words().any(|word| word == "CI") => Some(Self::CaseInsensitive),
            () if words().any(|word| word == "CS") => Some(Self::CaseSensitive),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_give_way_to_the_one_of_higher_precedence() {
        assert_eq!(SqlType::Int.unify(SqlType::BigInt), SqlType::BigInt);
        assert_eq!(SqlType::Decimal(10, 3).unify(SqlType::Int), SqlType::Decimal(13, 3));
        assert_eq!(SqlType::Decimal(38, 10).unify(SqlType::BigInt), SqlType::Decimal(38, 10));
        assert_eq!(SqlType::varchar(10).unify(SqlType::nvarchar(4)), SqlType::nvarchar(10));
        assert_eq!(SqlType::Null.unify(SqlType::Date), SqlType::Date);
        assert_eq!(SqlType::nvarchar(5000), SqlType::NVarChar(Length::Max));
    }

    #[test]
    fn collations_are_known_by_their_names() {
        assert_eq!(Collation::named("Latin1_General_100_BIN2"), Some(Collation::Binary));
        assert_eq!(Collation::named("SQL_Latin1_General_CP1_CI_AS"), Some(Collation::CaseInsensitive));
        assert_eq!(Collation::named("Klingon_CI_AS"), None);
    }
}
