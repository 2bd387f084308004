//! A request on a session, before it runs: its targets are looked up, then judged.

use std::sync::Arc;

use connector_api::{CallContext, Page, Session};
use connector_model::column_rules::ColumnRules;
use connector_model::cursor::CursorKind;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::Request;
use connector_model::target::{Location, Target, TargetSchema};

use super::catalogue::Catalogue;
use super::judge::judge;
use super::rules::Policy;
use super::section::Mask;
use super::seen::{Seen, located};

/// What a request that was allowed goes through.
pub(crate) struct Guard<'p> {
    policy: &'p Policy,
    own: Option<Arc<Seen>>,
    rules: Arc<ColumnRules>,
    /// Whether a page's end would show what nobody may see.
    keeps_cursor: bool,
}

impl<'p> Guard<'p> {
    /// Judges the request.
    ///
    /// # Errors
    /// `POLICY_DENIED` naming rule and setting; what the session says of a target that it does not have.
    pub(crate) async fn new(
        policy: &'p Policy,
        session: &mut dyn Session,
        call: &CallContext,
        catalogue: &Catalogue,
        request: &Request,
    ) -> Result<Guard<'p>> {
        let mut guard = Guard { policy, own: None, rules: Arc::default(), keeps_cursor: false };
        // What a catalogue answers is filtered afterwards, since it is read anew then.
        let target = match request {
            Request::ListTargets | Request::Test | Request::Introspect(_) => return Ok(guard),
            _ if !policy.looks_at_targets() => return Ok(guard),
            _ => request.target().ok_or_else(|| Error::internal("a request for rows without a target"))?,
        };
        let own = look(policy, session, call, catalogue, target).await?;
        policy.target(&own)?;
        let mut joined = Vec::with_capacity(request.joins().len());
        for (at, join) in request.joins().iter().enumerate() {
            let found = look(policy, session, call, catalogue, &join.target).await;
            let found = found.and_then(|seen| policy.target(&seen).map(|()| seen));
            joined.push(found.map_err(|error| error.with("option", format!("joins[{at}].target")))?);
        }
        judge(policy, request, &own, &joined)?;
        guard.rules = Arc::new(policy.column_rules(&own));
        guard.keeps_cursor = own.key.iter().any(|column| policy.guard(&own, column).is_some());
        guard.own = Some(own);
        Ok(guard)
    }

    /// What every row goes through.
    pub(crate) fn rules(&self) -> Arc<ColumnRules> {
        self.rules.clone()
    }

    /// What becomes of the target's columns, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let Some(own) = &self.own else { return Vec::new() };
        let mut notes = vec![format!("the target is \"{}\", a {}", own.shown, own.kind)];
        for column in &own.columns {
            let Some(guard) = self.policy.guard(own, column) else { continue };
            let done = guard.mask.map_or("is left out", |mask| match mask {
                Mask::Hash => "comes as a keyed hash",
                Mask::Null => "comes as null",
                Mask::Redact => "comes as \"***\"",
            });
            notes.push(format!("the column \"{column}\" {done} ({})", guard.setting));
        }
        if self.keeps_cursor {
            notes.push("there is no cursor, which would show a column of the key".to_owned());
        }
        notes
    }

    /// A page's end, without a cursor that holds the value of a column that nobody may see.
    pub(crate) fn page(&self, page: Page) -> Page {
        match page.cursor_kind {
            // Counts rows, holds none of their values.
            Some(CursorKind::Offset) => page,
            _ if self.keeps_cursor => Page { next_cursor: None, cursor_kind: None, ..page },
            _ => page,
        }
    }

    /// The entries of a list that jobs may look at.
    pub(crate) fn listed(&self, targets: Vec<Target>) -> Vec<Target> {
        if !self.policy.looks_at_targets() {
            return targets;
        }
        targets.into_iter().filter(|target| self.policy.target(&Seen::listed(target)).is_ok()).collect()
    }

    /// A target's shape without the columns that nobody may know of.
    ///
    /// # Errors
    /// `POLICY_DENIED` for a target that jobs may not look at; the session's.
    pub(crate) async fn introspected(
        &self,
        session: &mut dyn Session,
        call: &CallContext,
        target: &str,
    ) -> Result<TargetSchema> {
        let policy = self.policy;
        if !policy.looks_at_targets() {
            return session.introspect(call, target).await;
        }
        let (mut schema, seen) = ask(policy, session, call, target).await?;
        policy.target(&seen)?;
        let is_shown = |column: &str| policy.guard(&seen, column).is_none_or(|guard| guard.mask.is_some());
        schema.columns.retain(|column| is_shown(&column.name));
        schema.primary_key.retain(|column| is_shown(column));
        schema.key.retain(|column| is_shown(column));
        Ok(schema)
    }

    /// A session's error without the names of what nobody may know of: connectors offer the nearest names to one that is
    /// wrong.
    pub(crate) fn quiet(&self, error: Error) -> Error {
        let policy = self.policy;
        if error.code() != ErrorCode::InvalidJob || !policy.hides_columns() {
            return error;
        }
        let text = |key: &str| error.detail().get(key).and_then(|value| value.as_str()).map(str::to_owned);
        let (Some(option), Some(column)) = (text("option"), text("column")) else { return error };
        let target = self.own.as_ref().map_or("", |own| own.shown.as_str());
        let problem =
            format!("the column \"{column}\" of target \"{target}\" is not there, or cannot be used so");
        Error::option(&option, problem).with("column", column)
    }
}

/// The target of that name, as it was seen a moment ago or as the session says.
async fn look(
    policy: &Policy,
    session: &mut dyn Session,
    call: &CallContext,
    catalogue: &Catalogue,
    target: &str,
) -> Result<Arc<Seen>> {
    if let Some(seen) = catalogue.get(target) {
        return Ok(seen);
    }
    let (_, seen) = ask(policy, session, call, target).await?;
    let seen = Arc::new(seen);
    catalogue.put(target, seen.clone());
    Ok(seen)
}

/// What the session says of a target, and where it is.
async fn ask(
    policy: &Policy,
    session: &mut dyn Session,
    call: &CallContext,
    target: &str,
) -> Result<(TargetSchema, Seen)> {
    let schema = match session.introspect(call, target).await {
        Ok(schema) => schema,
        Err(error) if error.code() == ErrorCode::InvalidTarget => return Err(unknown(policy, target)),
        Err(error) => return Err(error),
    };
    let location = match session.locate(call, target).await? {
        Some(location) => location,
        None if policy.names_schemas() => listed(session, call, &schema.name).await?,
        None => Location { schema: None, name: schema.name.clone() },
    };
    let seen = Seen::new(&schema, location);
    Ok((schema, seen))
}

/// Where a target is, of which only the list says it.
async fn listed(session: &mut dyn Session, call: &CallContext, shown: &str) -> Result<Location> {
    let targets = session.list_targets(call).await?;
    let found = targets.iter().find(|target| target.name == shown);
    Ok(found.map_or_else(|| Location { schema: None, name: shown.to_owned() }, located))
}

/// The answer for a target that is not there: the same as if it were, where it would be denied; and without the nearest
/// names, which may be of targets that nobody may know of.
fn unknown(policy: &Policy, target: &str) -> Error {
    if let Some(denied) = policy.absent(&Seen::named(target)) {
        return denied;
    }
    let message = format!("there is no target \"{target}\" that this login can see");
    Error::new(ErrorCode::InvalidTarget, message).with("target", target)
}
