//! What can be read, and what it looks like.

use connector_memory::Table;
use connector_model::request::Kind;
use connector_model::target::TargetSchema;
use proptest::strategy::ValueTree;
use serde_json::json;

use super::tables::fixed;
use crate::bench::{Bench, unique_suffix};
use crate::generate::{runner, tables, tree};
use crate::job::{Job, Outcome};
use crate::report::{Failure, Report};
use crate::subject::Subject;

/// How many generated tables are introspected, for their names.
const TABLES: usize = 24;

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let mut all = fixed(subject)?;
    let strategy = tables(subject.types(), TABLES, &unique_suffix());
    let odd =
        tree(&mut runner(report.seed, u64::MAX), &strategy).map_err(|why| Failure::of("tables", why))?;
    all.extend(odd.current());
    let mut bench = Bench::open(subject, all).await?;
    let ping = Job::new(Kind::Test, "", json!({}));
    let got = bench.ask(&ping).await;
    report.judged(match got {
        Outcome::Alive => Ok(()),
        other => Err(bench.failure("test", &ping, "no sign of life".into(), "", &other.to_string())),
    });
    for table in bench.tables().to_vec() {
        let job = Job::new(Kind::IntrospectTarget, &table.name, json!({}));
        let got = bench.ask(&job).await;
        let target = bench.target(&table.name);
        report.judged(looks_like(&table, target, &got).map_err(|problem| {
            bench.failure("introspection", &job, problem, &format!("{:?}", table.schema()), &got.to_string())
        }));
        let count = Job::new(Kind::Count, &table.name, json!({}));
        report.judged(bench.check("count", &count).await);
        let rows = Job::new(Kind::Query, &table.name, json!({}));
        report.judged(bench.check("every value of every type", &rows).await);
    }
    Ok(())
}

/// Whether the introspection shows this table.
fn looks_like(table: &Table, target: &str, got: &Outcome) -> Result<(), String> {
    let Outcome::Schema(schema) = got else { return Err("no schema came".to_owned()) };
    if schema.name != target {
        return Err(format!("its name is {:?} here and {target:?} in listTargets", schema.name));
    }
    let right = table.schema();
    if schema.kind != right.kind {
        return Err(format!("it is a {:?}, not a {:?}", schema.kind, right.kind));
    }
    if schema.primary_key != right.primary_key {
        return Err(format!("the key is {:?}, not {:?}", schema.primary_key, right.primary_key));
    }
    // Engines keep a declared type's name, not its case.
    let columns = |schema: &TargetSchema| -> Vec<_> {
        let column = |column: &connector_model::target::TargetColumn| {
            (column.name.clone(), column.native_type.to_lowercase(), column.nullable, column.primary_key)
        };
        schema.columns.iter().map(column).collect()
    };
    let (right, columns) = (columns(&right), columns(schema));
    match right.iter().zip(&columns).find(|(right, column)| right != column) {
        Some((right, column)) => Err(format!("a column is {column:?}, not {right:?}")),
        None if right.len() != columns.len() => Err(format!("there are {} columns", columns.len())),
        None => Ok(()),
    }
}
