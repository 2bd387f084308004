//! `sys.objects` and its relatives.

use super::{NAME, SystemView, bit, columns_of, count, created, int, text};
use crate::tsql::bind::Context;
use crate::tsql::catalog::{Catalog, Database, Object, ObjectKind};
use crate::tsql::types::{Collation, SqlType};
use crate::tsql::value::{Row, Value};

/// The columns that every object has.
const COMMON: [(&str, SqlType); 12] = [
    ("name", NAME),
    ("object_id", SqlType::Int),
    ("principal_id?", SqlType::Int),
    ("schema_id", SqlType::Int),
    ("parent_object_id", SqlType::Int),
    ("type", SqlType::Char(2)),
    ("type_desc", SqlType::NVarChar(crate::tsql::types::Length::Of(60))),
    ("create_date", SqlType::DateTime),
    ("modify_date", SqlType::DateTime),
    ("is_ms_shipped", SqlType::Bit),
    ("is_published", SqlType::Bit),
    ("is_schema_published", SqlType::Bit),
];

pub(super) fn kind(object: &Object) -> (&'static str, &'static str) {
    match object.kind {
        ObjectKind::Table(_) => ("U ", "USER_TABLE"),
        ObjectKind::View(_) => ("V ", "VIEW"),
        ObjectKind::Synonym(_) => ("SN", "SYNONYM"),
    }
}

fn common(database: &Database, object: &Object) -> Row {
    let (kind, description) = kind(object);
    vec![
        text(&object.name),
        int(object.id),
        Value::Null,
        int(database.schema_id(&object.schema).unwrap_or(0)),
        int(0),
        text(kind),
        text(description),
        created(),
        created(),
        bit(false),
        bit(false),
        bit(false),
    ]
}

fn of_kind<'d>(database: &'d Database, wanted: &'d [&'d str]) -> impl Iterator<Item = &'d Object> {
    database.objects.iter().filter(|object| wanted.contains(&kind(object).0))
}

pub(super) fn objects(database: &Database, wanted: &[&str]) -> SystemView {
    let rows = of_kind(database, wanted).map(|object| common(database, object)).collect();
    SystemView { columns: columns_of(&COMMON), rows }
}

fn with_more(
    database: &Database,
    wanted: &str,
    more: &[(&str, SqlType)],
    values: impl Fn(&Object) -> Row,
) -> SystemView {
    let columns = columns_of(&[COMMON.as_slice(), more].concat());
    let row = |object: &Object| common(database, object).into_iter().chain(values(object)).collect();
    SystemView { columns, rows: of_kind(database, &[wanted]).map(row).collect() }
}

pub(super) fn tables(database: &Database) -> SystemView {
    let more = [
        ("max_column_id_used", SqlType::Int),
        ("temporal_type", SqlType::TinyInt),
        ("is_external", SqlType::Bit),
        ("is_memory_optimized", SqlType::Bit),
        ("is_filetable", SqlType::Bit),
        ("is_node", SqlType::Bit),
        ("is_edge", SqlType::Bit),
    ];
    with_more(database, "U ", &more, |object| {
        let columns = match &object.kind {
            ObjectKind::Table(table) => table.columns.len(),
            _ => 0,
        };
        vec![count(columns), int(0), bit(false), bit(false), bit(false), bit(false), bit(false)]
    })
}

pub(super) fn views(database: &Database) -> SystemView {
    let more = [("with_check_option", SqlType::Bit), ("is_date_correlation_view", SqlType::Bit)];
    with_more(database, "V ", &more, |_| vec![bit(false), bit(false)])
}

pub(super) fn synonyms(database: &Database) -> SystemView {
    with_more(database, "SN", &[("base_object_name?", SqlType::nvarchar(1035))], |object| {
        let target = match &object.kind {
            ObjectKind::Synonym(target) => {
                let parts: Vec<String> =
                    target.iter().map(|part| format!("[{}]", part.replace(']', "]]"))).collect();
                text(&parts.join("."))
            }
            _ => Value::Null,
        };
        vec![target]
    })
}

pub(super) fn schemas(database: &Database) -> SystemView {
    let columns = columns_of(&[("name", NAME), ("schema_id", SqlType::Int), ("principal_id?", SqlType::Int)]);
    let rows = database.schemas.iter().map(|(name, id)| vec![text(name), int(*id), int(1)]).collect();
    SystemView { columns, rows }
}

pub(super) fn databases(catalog: &Catalog) -> SystemView {
    let columns = columns_of(&[
        ("name", NAME),
        ("database_id", SqlType::Int),
        ("create_date", SqlType::DateTime),
        ("compatibility_level", SqlType::TinyInt),
        ("collation_name?", NAME),
        ("is_read_only?", SqlType::Bit),
        ("state?", SqlType::TinyInt),
        ("state_desc?", SqlType::nvarchar(60)),
        ("snapshot_isolation_state?", SqlType::TinyInt),
        ("snapshot_isolation_state_desc?", SqlType::nvarchar(60)),
        ("is_read_committed_snapshot_on?", SqlType::Bit),
        ("user_access_desc?", SqlType::nvarchar(60)),
    ]);
    let row = |(name, database): (&String, &Database)| {
        vec![
            text(name),
            int(database.id),
            created(),
            int(150),
            text(Collation::DEFAULT_NAME),
            bit(false),
            int(0),
            text("ONLINE"),
            int(i64::from(database.snapshot_isolation)),
            text(if database.snapshot_isolation { "ON" } else { "OFF" }),
            bit(false),
            text("MULTI_USER"),
        ]
    };
    SystemView { columns, rows: catalog.databases.iter().map(row).collect() }
}

/// Nothing in the double has any.
pub(super) fn extended_properties() -> SystemView {
    let columns = columns_of(&[
        ("class", SqlType::TinyInt),
        ("class_desc?", SqlType::nvarchar(60)),
        ("major_id", SqlType::Int),
        ("minor_id", SqlType::Int),
        ("name", NAME),
        ("value?", SqlType::Variant),
    ]);
    SystemView { columns, rows: Vec::new() }
}

/// The session that asks: of others it sees nothing.
pub(super) fn own_session(context: &Context) -> SystemView {
    let columns = columns_of(&[
        ("session_id", SqlType::SmallInt),
        ("login_name", NAME),
        ("program_name?", NAME),
        ("is_user_process", SqlType::Bit),
        ("database_id", SqlType::SmallInt),
        ("transaction_isolation_level", SqlType::SmallInt),
        ("open_transaction_count", SqlType::Int),
    ]);
    let facts = &context.facts;
    let database = context.catalog.databases.get(&context.database).map_or(0, |database| database.id);
    let row = vec![
        int(facts.spid),
        text(&facts.user),
        text(&facts.application),
        bit(true),
        int(database),
        int(facts.isolation),
        int(facts.transactions),
    ];
    SystemView { columns, rows: vec![row] }
}
