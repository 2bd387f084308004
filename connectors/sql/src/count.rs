//! How many rows match.

use connector_model::error::Result;
use connector_model::filter::Filter;

use crate::dialect::Dialect;
use crate::filter::condition;
use crate::statement::Statement;
use crate::table::Table;

/// `SELECT count(*)`, or what counts rows here, over the rows that pass `filter`.
///
/// # Errors
/// `INVALID_JOB` naming the column or the operand that is wrong.
pub fn count(dialect: &dyn Dialect, table: &Table, filter: &Filter) -> Result<Statement> {
    let mut sql = Statement::default();
    sql.push("SELECT ");
    sql.push(dialect.count_rows());
    sql.push(" FROM ");
    dialect.from(&mut sql, table);
    if !filter.is_true() {
        sql.push(" WHERE ");
        condition(&mut sql, dialect, table, filter, "where")?;
    }
    Ok(sql)
}
