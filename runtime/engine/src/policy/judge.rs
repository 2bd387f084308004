//! A request held against the rules for columns, once its targets are known.

use std::sync::Arc;

use connector_model::error::{Error, Result};
use connector_model::request::{Mention, Request, Which};

use super::rules::{ColumnGuard, Policy, denied};
use super::seen::Seen;

/// Holds every column that the request looks at against the rules. `joined` are the joined targets, in the order of the
/// request's joins.
///
/// # Errors
/// `POLICY_DENIED` naming option, column, rule and setting.
pub(super) fn judge(policy: &Policy, request: &Request, own: &Seen, joined: &[Arc<Seen>]) -> Result<()> {
    if policy.columns.is_empty() {
        return Ok(());
    }
    let joins = || request.joins().iter().zip(joined);
    request.visit_columns(&mut |Mention { option, which }| {
        let examined = |seen: &Seen, column: &str| match policy.guard(seen, column) {
            Some(guard) => Err(refused(guard, seen, column, option)),
            None => Ok(()),
        };
        match which {
            // Rows have none of the columns that are denied.
            Which::AllShown => Ok(()),
            Which::Shown(column) => match policy.guard(own, column) {
                Some(guard) if guard.mask.is_none() => Err(refused(guard, own, column, option)),
                _ => Ok(()),
            },
            Which::Examined(column) => {
                examined(own, column)?;
                // `a.b` may be the target's own column of that name, or the column `b` of what is joined as `a`.
                joins().try_for_each(|(join, seen)| match behind(column, &join.alias) {
                    Some(column) => examined(seen, column),
                    None => Ok(()),
                })
            }
            Which::Joined { alias, column } => joins()
                .filter(|(join, _)| join.alias.eq_ignore_ascii_case(alias))
                .try_for_each(|(_, seen)| examined(seen, column)),
            Which::Key => own.key.iter().try_for_each(|column| examined(own, column)),
            Which::Identity if own.key.is_empty() => match policy.guards(own).next() {
                Some(guard) => Err(refused(guard, own, &guard.pattern.to_string(), option)),
                None => Ok(()),
            },
            Which::Identity => own.key.iter().try_for_each(|column| examined(own, column)),
        }
    })
}

/// The column behind an alias and its dot.
fn behind<'c>(column: &'c str, alias: &str) -> Option<&'c str> {
    let (before, after) = (column.get(..alias.len())?, column.get(alias.len()..)?);
    before.eq_ignore_ascii_case(alias).then(|| after.strip_prefix('.'))?
}

fn refused(guard: &ColumnGuard, seen: &Seen, column: &str, option: &str) -> Error {
    let (rule, done) = match guard.mask {
        None => ("policy.columns.deny", "denied".to_owned()),
        Some(mask) => ("policy.mask", format!("masked ({})", mask.as_str())),
    };
    let use_of_it = match option {
        "cursor" => "a cursor would show it".to_owned(),
        option => format!("`{option}` may not look at it"),
    };
    let what = format!(
        "the column \"{column}\" of target \"{}\" is {done} by \"{}\", so {use_of_it}",
        seen.shown, guard.pattern
    );
    denied(rule, &guard.setting, what)
        .with("option", option)
        .with("column", column)
        .with("target", seen.shown.as_str())
}
