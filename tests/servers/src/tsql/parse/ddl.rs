//! What makes and drops tables, views and indexes.

use super::Parser;
use crate::tsql::ast::{ColumnDefinition, KeyDefinition, Statement};
use crate::tsql::error::Result;
use crate::tsql::lexer::Token;

impl Parser {
    pub(super) fn create(&mut self) -> Result<Statement> {
        self.expect_word("CREATE")?;
        if self.word("TABLE") {
            return self.create_table();
        }
        if self.words(&["OR", "ALTER", "VIEW"]) || self.word("VIEW") {
            return self.create_view();
        }
        if self.word("SCHEMA") {
            let name = self.name()?;
            if self.word("AUTHORIZATION") {
                let _owner = self.name()?;
            }
            return Ok(Statement::CreateSchema(name));
        }
        if self.word("SYNONYM") {
            let name = self.full_name()?;
            self.expect_word("FOR")?;
            return Ok(Statement::CreateSynonym { name, target: self.full_name()? });
        }
        self.create_index()
    }

    pub(super) fn drop(&mut self) -> Result<Statement> {
        self.expect_word("DROP")?;
        let kind = ["TABLE", "VIEW", "SCHEMA", "SYNONYM"].into_iter().find(|kind| self.word(kind));
        let kind = kind.ok_or_else(|| self.unexpected())?;
        let if_exists = self.words(&["IF", "EXISTS"]);
        let mut names = vec![self.full_name()?];
        while self.mark(",") {
            names.push(self.full_name()?);
        }
        Ok(Statement::Drop { kind, names, if_exists })
    }

    fn create_view(&mut self) -> Result<Statement> {
        let name = self.full_name()?;
        let columns = if matches!(self.peek(), Token::Mark("(")) { self.names()? } else { Vec::new() };
        if self.word("WITH") {
            self.expect_word("SCHEMABINDING")?;
        }
        self.expect_word("AS")?;
        Ok(Statement::CreateView { name, columns, query: Box::new(self.query()?) })
    }

    fn create_index(&mut self) -> Result<Statement> {
        let unique = self.word("UNIQUE");
        let clustered = self.word("CLUSTERED");
        let _nonclustered = !clustered && self.word("NONCLUSTERED");
        self.expect_word("INDEX")?;
        let name = Some(self.name()?);
        self.expect_word("ON")?;
        let table = self.full_name()?;
        let columns = self.key_columns()?;
        let included = if self.word("INCLUDE") { self.names()? } else { Vec::new() };
        let filtered = self.word("WHERE");
        if filtered {
            let _condition = self.expr()?;
        }
        let key = KeyDefinition { name, primary: false, unique, clustered, columns, included, filtered };
        Ok(Statement::CreateIndex { table, key })
    }

    fn key_columns(&mut self) -> Result<Vec<(String, bool)>> {
        self.expect_mark("(")?;
        let mut columns = Vec::new();
        loop {
            let name = self.name()?;
            let descending = self.word("DESC");
            let _ascending = !descending && self.word("ASC");
            columns.push((name, descending));
            if !self.mark(",") {
                break;
            }
        }
        self.expect_mark(")")?;
        Ok(columns)
    }

    fn create_table(&mut self) -> Result<Statement> {
        let name = self.full_name()?;
        self.expect_mark("(")?;
        let (mut columns, mut keys) = (Vec::new(), Vec::new());
        loop {
            let constraint = if self.word("CONSTRAINT") { Some(self.name()?) } else { None };
            if let Some(key) = self.table_key(constraint.clone())? {
                keys.push(key);
            } else if constraint.is_some() {
                return Err(self.unexpected());
            } else {
                let column = self.column(&mut keys)?;
                columns.push(column);
            }
            if !self.mark(",") {
                break;
            }
        }
        self.expect_mark(")")?;
        Ok(Statement::CreateTable { name, columns, keys })
    }

    /// `PRIMARY KEY (…)` or `UNIQUE (…)`.
    fn table_key(&mut self, name: Option<String>) -> Result<Option<KeyDefinition>> {
        let Some((primary, clustered)) = self.key_kind() else { return Ok(None) };
        let columns = self.key_columns()?;
        let included = Vec::new();
        Ok(Some(KeyDefinition { name, primary, unique: true, clustered, columns, included, filtered: false }))
    }

    /// Whether PRIMARY KEY or UNIQUE comes next: which, and whether it is clustered.
    fn key_kind(&mut self) -> Option<(bool, bool)> {
        let primary = self.words(&["PRIMARY", "KEY"]);
        if !primary && !self.word("UNIQUE") {
            return None;
        }
        let clustered = self.word("CLUSTERED");
        let nonclustered = !clustered && self.word("NONCLUSTERED");
        Some((primary, clustered || (primary && !nonclustered)))
    }

    fn column(&mut self, keys: &mut Vec<KeyDefinition>) -> Result<ColumnDefinition> {
        let name = self.name()?;
        let computed = if self.word("AS") { Some(self.expr()?) } else { None };
        let type_name = match self.peek() {
            Token::Word(word) | Token::Quoted(word) => word.to_lowercase(),
            _ => String::new(),
        };
        let ty = if computed.is_some() { crate::tsql::types::SqlType::Null } else { self.data_type()? };
        let mut column = ColumnDefinition {
            name,
            ty,
            type_name,
            collation: None,
            nullable: None,
            identity: None,
            default: None,
            computed,
        };
        loop {
            if self.word("COLLATE") {
                column.collation = Some(self.name()?);
            } else if self.words(&["NOT", "NULL"]) {
                column.nullable = Some(false);
            } else if self.word("NULL") {
                column.nullable = Some(true);
            } else if self.word("PERSISTED") || self.word("SPARSE") || self.word("ROWGUIDCOL") {
                // How a value is kept does not show.
            } else if self.word("IDENTITY") {
                column.identity = Some(self.identity()?);
            } else if self.word("DEFAULT") {
                column.default = Some(self.expr()?);
            } else {
                let constraint = if self.word("CONSTRAINT") { Some(self.name()?) } else { None };
                if constraint.is_some() && self.word("DEFAULT") {
                    column.default = Some(self.expr()?);
                    continue;
                }
                let Some((primary, clustered)) = self.key_kind() else {
                    return if constraint.is_some() { Err(self.unexpected()) } else { Ok(column) };
                };
                keys.push(KeyDefinition {
                    name: constraint,
                    primary,
                    unique: true,
                    clustered,
                    columns: vec![(column.name.clone(), false)],
                    included: Vec::new(),
                    filtered: false,
                });
            }
        }
    }

    fn identity(&mut self) -> Result<(i64, i64)> {
        if !self.mark("(") {
            return Ok((1, 1));
        }
        let seed = self.whole()?;
        self.expect_mark(",")?;
        let step = self.whole()?;
        self.expect_mark(")")?;
        Ok((seed, step))
    }
}
