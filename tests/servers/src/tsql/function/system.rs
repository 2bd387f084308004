//! Functions that tell of the server, the session and the catalogue.

use super::{Arguments, Definition, Function, Gives, Takes};
use crate::tsql::catalog::Object;
use crate::tsql::error::Result;
use crate::tsql::sys::type_id;
use crate::tsql::types::{Collation, Length, SqlType};
use crate::tsql::value::Value;

use Takes::{Any, Int, Unicode};

const NAME: Gives = Gives::Type(SqlType::NVarChar(Length::Of(128)));
const INT: Gives = Gives::Type(SqlType::Int);
const VARIANT: Gives = Gives::Type(SqlType::Variant);

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new(
        Function::lenient("DB_NAME", |a| Ok(Value::text(&a.context.database))),
        (0, 1),
        &[Int],
        NAME,
    ),
    Definition::new(Function::lenient("DB_ID", database_id), (0, 1), &[Unicode], INT).nullable(),
    Definition::new(Function::lenient("SCHEMA_NAME", schema_name), (0, 1), &[Int], NAME).nullable(),
    Definition::new(Function::strict("SCHEMA_ID", schema_id), (1, 1), &[Unicode], INT).nullable(),
    Definition::new(Function::lenient("OBJECT_ID", object_id), (1, 2), &[Unicode], INT).nullable(),
    Definition::new(Function::strict("OBJECT_NAME", object_name), (1, 2), &[Int], NAME).nullable(),
    Definition::new(Function::strict("OBJECT_SCHEMA_NAME", object_schema), (1, 2), &[Int], NAME).nullable(),
    Definition::new(Function::strict("TYPE_NAME", type_name), (1, 1), &[Int], NAME).nullable(),
    Definition::new(Function::strict("SERVERPROPERTY", server_property), (1, 1), &[Unicode], VARIANT)
        .nullable(),
    Definition::new(Function::strict("DATABASEPROPERTYEX", database_property), (2, 2), &[Unicode], VARIANT)
        .nullable(),
    Definition::new(
        Function::strict("SQL_VARIANT_PROPERTY", variant_property),
        (2, 2),
        &[Any, Unicode],
        VARIANT,
    )
    .nullable(),
    Definition::new(Function::lenient("SUSER_SNAME", user), (0, 0), &[], NAME),
    Definition::new(Function::lenient("SUSER_NAME", user), (0, 0), &[], NAME),
    Definition::new(Function::lenient("ORIGINAL_LOGIN", user), (0, 0), &[], NAME),
    Definition::new(Function::lenient("SYSTEM_USER", user), (0, 0), &[], NAME),
    Definition::new(Function::lenient("USER_NAME", |_| Ok(Value::text("dbo"))), (0, 1), &[Int], NAME),
    Definition::new(Function::lenient("CURRENT_USER", |_| Ok(Value::text("dbo"))), (0, 0), &[], NAME),
    Definition::new(
        Function::lenient("APP_NAME", |a| Ok(Value::text(&a.context.facts.application))),
        (0, 0),
        &[],
        NAME,
    ),
    Definition::new(Function::strict("HAS_DBACCESS", has_access), (1, 1), &[Unicode], INT).nullable(),
    Definition::new(Function::lenient("HAS_PERMS_BY_NAME", |_| Ok(Value::Int(1))), (3, 5), &[Unicode], INT),
    Definition::new(Function::lenient("CHECKSUM", |a| Ok(checksum(a, false))), (1, 100), &[Any], INT),
    Definition::new(Function::lenient("BINARY_CHECKSUM", |a| Ok(checksum(a, true))), (1, 100), &[Any], INT),
];

/// `@@VERSION`.
pub(crate) fn version_text(major: u8) -> String {
    let year = match major {
        13 => 2016,
        14 => 2017,
        15 => 2019,
        _ => 2022,
    };
    format!("Microsoft SQL Server {year} (double of the tests) - {major}.0.2000.5 (X64)")
}

fn id(id: Option<i32>) -> Value {
    id.map_or(Value::Null, |id| Value::Int(i64::from(id)))
}

fn database_id(arguments: &Arguments<'_>) -> Result<Value> {
    let name = arguments.text(0).unwrap_or(&arguments.context.database);
    Ok(id(arguments.context.catalog.databases.get(name).map(|database| database.id)))
}

fn schema_name(arguments: &Arguments<'_>) -> Result<Value> {
    let wanted = arguments.int(0).unwrap_or(1);
    let database = arguments.context.catalog.database(&arguments.context.database)?;
    let found = database.schemas.iter().find(|(_, id)| i64::from(*id) == wanted);
    Ok(found.map_or(Value::Null, |(name, _)| Value::text(name)))
}

fn schema_id(arguments: &Arguments<'_>) -> Result<Value> {
    let database = arguments.context.catalog.database(&arguments.context.database)?;
    Ok(id(database.schema_id(arguments.text(0).unwrap_or_default())))
}

/// A name as it stands in a text: with brackets or without.
fn object_id(arguments: &Arguments<'_>) -> Result<Value> {
    let Some(text) = arguments.text(0) else { return Ok(Value::Null) };
    let Some(parts) = name_parts(text) else { return Ok(Value::Null) };
    let context = arguments.context;
    let Ok(location) = context.catalog.locate(&context.database, &parts) else { return Ok(Value::Null) };
    Ok(id(context.catalog.object(&location).map(|object| object.id)))
}

fn name_parts(text: &str) -> Option<Vec<String>> {
    use crate::tsql::lexer::{Token, lex};
    let lexemes = lex(text).ok()?;
    let parts: Vec<String> = lexemes
        .into_iter()
        .filter_map(|lexeme| match lexeme.token {
            Token::Word(part) | Token::Quoted(part) => Some(part),
            _ => None,
        })
        .collect();
    (!parts.is_empty()).then_some(parts)
}

fn object<'a>(arguments: &'a Arguments<'_>) -> Option<&'a Object> {
    let wanted = arguments.int(0)?;
    let database = arguments.context.catalog.database(&arguments.context.database).ok()?;
    database.objects.iter().find(|object| i64::from(object.id) == wanted)
}

fn object_name(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(object(arguments).map_or(Value::Null, |object| Value::text(&object.name)))
}

fn object_schema(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(object(arguments).map_or(Value::Null, |object| Value::text(&object.schema)))
}

fn type_name(arguments: &Arguments<'_>) -> Result<Value> {
    let wanted = arguments.int(0).unwrap_or(0);
    let found = crate::tsql::sys::TYPE_NAMES.iter().find(|name| i64::from(type_id(name).1) == wanted);
    Ok(found.map_or(Value::Null, Value::text))
}

fn variant_text(text: &str) -> Value {
    Value::Variant(Box::new((SqlType::nvarchar(128), Value::text(text))))
}

fn variant_int(whole: i64) -> Value {
    Value::Variant(Box::new((SqlType::Int, Value::Int(whole))))
}

fn server_property(arguments: &Arguments<'_>) -> Result<Value> {
    let major = arguments.context.facts.major_version;
    Ok(match arguments.text(0).unwrap_or_default().to_lowercase().as_str() {
        "productversion" => variant_text(&format!("{major}.0.2000.5")),
        "productmajorversion" => variant_text(&major.to_string()),
        "productlevel" => variant_text("RTM"),
        "edition" => variant_text("Developer Edition (64-bit)"),
        "engineedition" => variant_int(3),
        "collation" => variant_text(Collation::DEFAULT_NAME),
        "servername" | "machinename" => variant_text("sqlserver-double"),
        "isclustered" | "ishadrenabled" => variant_int(0),
        _ => Value::Null,
    })
}

fn database_property(arguments: &Arguments<'_>) -> Result<Value> {
    if !arguments.context.catalog.databases.contains_key(arguments.text(0).unwrap_or_default()) {
        return Ok(Value::Null);
    }
    Ok(match arguments.text(1).unwrap_or_default().to_lowercase().as_str() {
        "collation" => variant_text(Collation::DEFAULT_NAME),
        "status" => variant_text("ONLINE"),
        "updateability" => variant_text("READ_WRITE"),
        _ => Value::Null,
    })
}

fn variant_property(arguments: &Arguments<'_>) -> Result<Value> {
    let (ty, _) = match arguments.get(0) {
        Value::Variant(inner) => (inner.0, &inner.1),
        value => (arguments.type_at(0), value),
    };
    Ok(match arguments.text(1).unwrap_or_default().to_lowercase().as_str() {
        "basetype" => variant_text(ty.name()),
        "precision" => variant_int(i64::from(ty.as_decimal().0)),
        "scale" => variant_int(i64::from(ty.as_decimal().1)),
        _ => Value::Null,
    })
}

fn user(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(Value::text(&arguments.context.facts.user))
}

fn has_access(arguments: &Arguments<'_>) -> Result<Value> {
    let known = arguments.context.catalog.databases.contains_key(arguments.text(0).unwrap_or_default());
    Ok(if known { Value::Int(1) } else { Value::Null })
}

/// Not SQL Server's own numbers, but as spread and as repeatable (FNV-1a).
fn checksum(arguments: &Arguments<'_>, exact: bool) -> Value {
    let collation = if exact { Collation::Binary } else { Collation::CaseInsensitive };
    let text: String = arguments.values.iter().map(|value| format!("{:?};", value.key(collation))).collect();
    let hash =
        text.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    Value::Int(i64::from(hash.cast_signed()))
}
