//! The catalogue's own views, made from the catalogue whenever a query names one.

mod columns;
mod indexes;
mod information;
mod objects;
mod types;

pub(crate) use types::{TYPE_NAMES, type_id};

use super::bind::Context;
use super::catalog::{Column, Location};
use super::types::{Collation, Length, SqlType};
use super::value::{Row, Value};

/// A view with its rows.
#[derive(Debug)]
pub(crate) struct SystemView {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// The view of that name.
pub(crate) fn view(context: &Context, location: &Location) -> Option<SystemView> {
    let database = context.catalog.databases.get(&location.database)?;
    match (location.schema.as_str(), location.name.as_str()) {
        ("sys", "objects" | "all_objects") => {
            Some(objects::objects(database, &["U ", "V ", "SN", "PK", "UQ"]))
        }
        ("sys", "tables") => Some(objects::tables(database)),
        ("sys", "views" | "all_views") => Some(objects::views(database)),
        ("sys", "synonyms") => Some(objects::synonyms(database)),
        ("sys", "schemas") => Some(objects::schemas(database)),
        ("sys", "databases") => Some(objects::databases(&context.catalog)),
        ("sys", "key_constraints") => Some(indexes::key_constraints(database)),
        ("sys", "columns" | "all_columns") => Some(columns::columns(database)),
        ("sys", "types") => Some(types::types()),
        ("sys", "indexes") => Some(indexes::indexes(database)),
        ("sys", "index_columns") => Some(indexes::index_columns(database)),
        ("sys", "partitions") => Some(indexes::partitions(database)),
        ("sys", "dm_db_partition_stats") => Some(indexes::partition_stats(database)),
        ("sys", "dm_exec_sessions") => Some(objects::own_session(context)),
        ("sys", "extended_properties") => Some(objects::extended_properties()),
        ("INFORMATION_SCHEMA", "TABLES") => Some(information::tables(&location.database, database)),
        ("INFORMATION_SCHEMA", "COLUMNS") => Some(information::columns(&location.database, database)),
        _ => None,
    }
}

/// A name: `sysname`.
const NAME: SqlType = SqlType::NVarChar(Length::Of(128));

fn column(name: &str, ty: SqlType, nullable: bool) -> Column {
    Column {
        name: name.to_owned(),
        ty,
        type_name: ty.name().to_owned(),
        collation: Collation::Binary,
        collation_name: ty.is_text().then(|| Collation::DEFAULT_NAME.to_owned()),
        nullable,
        identity: None,
        default: None,
        computed: None,
    }
}

/// Columns from names and types; a `?` behind a name lets it be NULL.
fn columns_of(columns: &[(&str, SqlType)]) -> Vec<Column> {
    let made = |(name, ty): &(&str, SqlType)| match name.strip_suffix('?') {
        Some(name) => column(name, *ty, true),
        None => column(name, *ty, false),
    };
    columns.iter().map(made).collect()
}

fn int(whole: impl Into<i64>) -> Value {
    Value::Int(whole.into())
}

fn count(whole: usize) -> Value {
    Value::Int(i64::try_from(whole).unwrap_or(i64::MAX))
}

fn bit(flag: bool) -> Value {
    Value::Bit(flag)
}

fn text(text: &str) -> Value {
    Value::text(text)
}

/// When everything was made: 2024-01-01.
fn created() -> Value {
    Value::Moment(738_885 * super::moment::TICKS_PER_DAY)
}
