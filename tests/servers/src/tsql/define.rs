//! CREATE and DROP.

use std::collections::HashSet;
use std::sync::Arc;

use super::ast::{ColumnDefinition, KeyDefinition, Name, Query, Statement};
use super::batch::Batch;
use super::bind::{Binder, Context, OutColumn};
use super::catalog::{Catalog, Column, Index, Location, Object, ObjectKind, Table, View, invalid_object};
use super::error::{Result, SqlError};
use super::run::Stop;
use super::session::{Outcome, Session};
use super::types::Collation;

impl Session {
    /// Statements that change the catalogue or a table's rows.
    pub(super) fn change(&mut self, statement: Statement, batch: &Batch, stop: Stop) -> Result<Outcome> {
        let current = self.database.clone();
        self.changed = true;
        match statement {
            Statement::CreateTable { name, columns, keys } => {
                let table = table(&self.context(batch), &columns, &keys)?;
                self.engine.change(|catalog| create(catalog, &current, &name, ObjectKind::Table(table)))?;
            }
            Statement::CreateView { name, columns, query } => {
                let view = self.view(&name, &columns, query, batch)?;
                self.engine.change(|catalog| create(catalog, &current, &name, ObjectKind::View(view)))?;
            }
            Statement::CreateSynonym { name, target } => {
                self.engine
                    .change(|catalog| create(catalog, &current, &name, ObjectKind::Synonym(target)))?;
            }
            Statement::CreateSchema(name) => self.engine.change(|catalog| {
                let database = catalog.database_mut(&current)?;
                if database.schema_id(&name).is_some() {
                    return Err(SqlError::new(
                        2714,
                        format!("There is already an object named '{name}' in the database."),
                    ));
                }
                let id = 5 + i32::try_from(database.schemas.len()).unwrap_or(0);
                database.schemas.push((name, id));
                Ok(())
            })?,
            Statement::CreateIndex { table, key } => self.engine.change(|catalog| {
                let Location { database, schema, name } = catalog.locate(&current, &table)?;
                let found = catalog.database_mut(&database)?.table_mut(&schema, &name);
                add_index(found.ok_or_else(|| invalid_object(&table))?, &name, &key, false)
            })?,
            Statement::Drop { kind, names, if_exists } => {
                self.engine.change(|catalog| {
                    names.iter().try_for_each(|name| drop_object(catalog, &current, kind, name, if_exists))
                })?;
            }
            statement => return self.modify(statement, batch, stop),
        }
        Ok(Outcome::Done)
    }

    fn view(&self, name: &Name, columns: &[String], query: Box<Query>, batch: &Batch) -> Result<View> {
        let context = self.context(batch);
        let shown = name.last().cloned().unwrap_or_default();
        let bound = Binder::definition(&context, &shown, columns, &query)?;
        let columns = bound.columns.iter().map(view_column).collect();
        Ok(View { columns: Arc::new(columns), query: Arc::from(query) })
    }
}

fn view_column(column: &OutColumn) -> Column {
    let collation = column.collation.collation;
    Column {
        name: column.name.clone(),
        ty: column.ty,
        type_name: column.ty.name().to_owned(),
        collation,
        collation_name: column.ty.is_text().then(|| collation_name(collation).to_owned()),
        nullable: column.nullable,
        identity: None,
        default: None,
        computed: None,
    }
}

const fn collation_name(collation: Collation) -> &'static str {
    match collation {
        Collation::Binary => Collation::DEFAULT_NAME,
        Collation::CaseInsensitive => "Latin1_General_100_CI_AS",
        Collation::CaseSensitive => "Latin1_General_100_CS_AS",
    }
}

fn create(catalog: &mut Catalog, current: &str, name: &Name, kind: ObjectKind) -> Result<()> {
    let Location { database, schema, name } = catalog.locate(current, name)?;
    let database = catalog.database_mut(&database)?;
    if database.schema_id(&schema).is_none() {
        let message = format!(
            "The specified schema name \"{schema}\" either does not exist or you do not have permission to use it."
        );
        return Err(SqlError::new(2760, message));
    }
    if database.object(&schema, &name).is_some() {
        return Err(SqlError {
            state: 6,
            ..SqlError::new(2714, format!("There is already an object named '{name}' in the database."))
        });
    }
    let id = database.next_id();
    database.objects.push(Object { id, schema, name, kind });
    Ok(())
}

fn drop_object(catalog: &mut Catalog, current: &str, kind: &str, name: &Name, if_exists: bool) -> Result<()> {
    let Location { database, schema, name: object } = catalog.locate(current, name)?;
    let database = catalog.database_mut(&database)?;
    let missing = || {
        let message = format!(
            "Cannot drop the {} '{}', because it does not exist or you do not have permission.",
            kind.to_lowercase(),
            name.join(".")
        );
        SqlError { class: 11, state: 5, ..SqlError::new(3701, message) }
    };
    if kind == "SCHEMA" {
        let before = database.schemas.len();
        database.schemas.retain(|(known, _)| *known != object);
        return if before > database.schemas.len() || if_exists { Ok(()) } else { Err(missing()) };
    }
    let is_kind = |found: &Object| match found.kind {
        ObjectKind::Table(_) => kind == "TABLE",
        ObjectKind::View(_) => kind == "VIEW",
        ObjectKind::Synonym(_) => kind == "SYNONYM",
    };
    let position = database
        .objects
        .iter()
        .position(|found| found.schema == schema && found.name == object && is_kind(found));
    match position {
        Some(position) => {
            database.objects.remove(position);
            Ok(())
        }
        None if if_exists => Ok(()),
        None => Err(missing()),
    }
}

fn table(context: &Context, definitions: &[ColumnDefinition], keys: &[KeyDefinition]) -> Result<Table> {
    let mut columns: Vec<Column> = Vec::with_capacity(definitions.len());
    let mut names = HashSet::new();
    for definition in definitions {
        if !names.insert(definition.name.as_str()) {
            let message = format!(
                "Column names in each table must be unique. Column name '{}' is specified more than once.",
                definition.name
            );
            return Err(SqlError::new(2705, message));
        }
        let mut column = column(definition, keys)?;
        if let Some(computed) = &definition.computed {
            let typed = Binder::over_table(context, "", &columns).scalar(computed)?;
            (column.ty, column.nullable) = (typed.ty, typed.nullable);
            column.type_name = column.ty.name().to_owned();
            column.collation_name = column.ty.is_text().then(|| Collation::DEFAULT_NAME.to_owned());
        }
        columns.push(column);
    }
    let identity = columns.iter().find_map(|column| column.identity).map_or(1, |(seed, _)| seed);
    let mut table = Table { columns: Arc::new(columns), rows: Arc::default(), indexes: Vec::new(), identity };
    for key in keys {
        add_index(&mut table, "", key, true)?;
    }
    Ok(table)
}

fn column(definition: &ColumnDefinition, keys: &[KeyDefinition]) -> Result<Column> {
    let named = definition.collation.as_deref();
    let collation = match named {
        None => Collation::Binary,
        Some(name) => Collation::named(name)
            .ok_or_else(|| SqlError::new(448, format!("Invalid collation '{name}'.")))?,
    };
    let is_text = definition.ty.is_text() && definition.ty != super::types::SqlType::Xml;
    let in_primary =
        keys.iter().any(|key| key.primary && key.columns.iter().any(|(name, _)| *name == definition.name));
    if in_primary && definition.nullable == Some(true) {
        let message = "Cannot define PRIMARY KEY constraint on nullable column in table.";
        return Err(SqlError::new(8111, message));
    }
    Ok(Column {
        name: definition.name.clone(),
        ty: definition.ty,
        type_name: definition.type_name.clone(),
        collation,
        collation_name: is_text.then(|| named.unwrap_or(Collation::DEFAULT_NAME).to_owned()),
        nullable: !in_primary && definition.identity.is_none() && definition.nullable.unwrap_or(true),
        identity: definition.identity,
        default: definition.default.clone(),
        computed: definition.computed.clone(),
    })
}

fn add_index(table: &mut Table, table_name: &str, key: &KeyDefinition, constraint: bool) -> Result<()> {
    let position = |name: &String| {
        table.columns.iter().position(|column| column.name == *name).ok_or_else(|| {
            let message = format!("Column name '{name}' does not exist in the target table or view.");
            SqlError::new(1911, message)
        })
    };
    let mut columns = Vec::with_capacity(key.columns.len());
    for (name, descending) in &key.columns {
        let at = position(name)?;
        if table.columns.get(at).is_some_and(|column| column.ty.text_length() == usize::MAX) {
            let message = format!(
                "Column '{name}' in table '{table_name}' is of a type that is invalid for use as a key column in an index."
            );
            return Err(SqlError::new(1919, message));
        }
        columns.push((at, *descending));
    }
    let included = key.included.iter().map(position).collect::<Result<Vec<_>>>()?;
    // A table has one clustered index at most.
    let clustered = key.clustered && !table.indexes.iter().any(|index| index.clustered);
    let last = table.indexes.iter().map(|index| index.id).max().unwrap_or(1).max(1);
    let id = if clustered { 1 } else { last + 1 };
    let prefix = if key.primary { "PK" } else { "UQ" };
    let name = key.name.clone().unwrap_or_else(|| format!("{prefix}__{table_name}__{id:08X}"));
    let mut index = Index {
        id,
        name,
        primary: key.primary,
        constraint,
        unique: key.unique,
        clustered,
        filtered: key.filtered,
        columns,
        included,
        keys: Arc::default(),
    };
    index.rebuild(&table.columns, &table.rows)?;
    table.indexes.push(index);
    Ok(())
}
