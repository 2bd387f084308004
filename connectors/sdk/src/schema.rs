//! A target's shape, column by column, for a connector that knows it when it is compiled or has just learned it.
//!
//! ```
//! use semilayer_connector::prelude::*;
//! use semilayer_connector::schema;
//!
//! let items: TargetSchema = schema::table("items")
//!     .key("id", LogicalType::Integer, "int")
//!     .column("name", LogicalType::Text, "string")
//!     .nullable("price", LogicalType::Decimal, "decimal(10,2)")
//!     .into();
//! assert_eq!(items.primary_key, ["id"]);
//! assert_eq!(schema::columns(&items)[2].name, "price");
//! ```

use connector_model::target::{Column, LogicalType, TargetColumn, TargetSchema};

/// A shape that is being described; `into()` makes the [`TargetSchema`].
#[derive(Debug, Clone)]
pub struct Shape(TargetSchema);

/// A table of this name, without columns yet.
pub fn table(name: impl Into<String>) -> Shape {
    target(name, "table")
}

/// A target of a kind of its own: `view`, `collection`.
pub fn target(name: impl Into<String>, kind: impl Into<String>) -> Shape {
    Shape(TargetSchema {
        name: name.into(),
        kind: kind.into(),
        columns: Vec::new(),
        primary_key: Vec::new(),
        key: Vec::new(),
        row_count: None,
    })
}

impl Shape {
    /// A column of the primary key, behind those that were named before; it is never NULL. `native_type` is the type in
    /// the source's own words.
    #[must_use]
    pub fn key(mut self, name: &str, logical_type: LogicalType, native_type: &str) -> Shape {
        self.0.primary_key.push(name.to_owned());
        self.0.key.push(name.to_owned());
        self.push(name, logical_type, native_type, false, true)
    }

    /// A column that is never NULL.
    #[must_use]
    pub fn column(self, name: &str, logical_type: LogicalType, native_type: &str) -> Shape {
        self.push(name, logical_type, native_type, false, false)
    }

    /// A column that may be NULL.
    #[must_use]
    pub fn nullable(self, name: &str, logical_type: LogicalType, native_type: &str) -> Shape {
        self.push(name, logical_type, native_type, true, false)
    }

    /// The source's own estimate of how many rows there are.
    #[must_use]
    pub fn rows(mut self, estimate: u64) -> Shape {
        self.0.row_count = Some(estimate);
        self
    }

    fn push(
        mut self,
        name: &str,
        logical_type: LogicalType,
        native: &str,
        nullable: bool,
        key: bool,
    ) -> Shape {
        self.0.columns.push(TargetColumn {
            name: name.to_owned(),
            native_type: native.to_owned(),
            nullable,
            primary_key: key,
            logical_type,
        });
        self
    }
}

impl From<Shape> for TargetSchema {
    fn from(shape: Shape) -> TargetSchema {
        shape.0
    }
}

/// All columns of a target, as a result with all of them describes them.
pub fn columns(schema: &TargetSchema) -> Vec<Column> {
    let columns = schema.columns.iter();
    columns.map(|column| Column { name: column.name.clone(), logical_type: column.logical_type }).collect()
}
