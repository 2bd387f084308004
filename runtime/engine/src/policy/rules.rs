//! The policy of one source.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use connector_model::column_rules::{ColumnRule, ColumnRules};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::Kind;

use super::audit::AuditLog;
use super::pattern::ColumnPattern;
use super::section::{Mask, TargetRules};
use super::seen::Seen;

/// A value and the setting it is from: `[policy] max_rows`.
#[derive(Debug, Clone)]
pub(crate) struct Set<T> {
    pub(crate) value: T,
    pub(crate) setting: Arc<str>,
}

/// A rule for columns.
#[derive(Debug, Clone)]
pub(crate) struct ColumnGuard {
    pub(super) pattern: ColumnPattern,
    /// `None` is a column that nobody sees.
    pub(super) mask: Option<Mask>,
    pub(super) rule: ColumnRule,
    pub(super) setting: Arc<str>,
}

/// What one source's jobs may do.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    pub(crate) statement_timeout: Option<Set<Duration>>,
    pub(crate) max_rows: Option<Set<u64>>,
    pub(crate) max_bytes: Option<Set<u64>>,
    pub(crate) max_concurrent: Option<Set<usize>>,
    pub(super) targets: Option<Set<TargetRules>>,
    pub(super) kinds: Option<Set<Vec<Kind>>>,
    pub(super) columns: Vec<ColumnGuard>,
    pub(crate) audit: Option<Arc<AuditLog>>,
}

/// `POLICY_DENIED` naming the rule and the setting.
pub(super) fn denied(rule: &str, setting: &str, what: impl fmt::Display) -> Error {
    let message = format!("{what} ({setting} on this runner)");
    Error::new(ErrorCode::PolicyDenied, message).with("rule", rule).with("setting", setting)
}

impl Policy {
    /// Whether some rule needs to know the target.
    pub(crate) fn looks_at_targets(&self) -> bool {
        self.targets.is_some() || !self.columns.is_empty()
    }

    /// Whether some rule says in which schema.
    pub(super) fn names_schemas(&self) -> bool {
        let targets = self.targets.iter().flat_map(|rules| rules.value.allow.iter().chain(&rules.value.deny));
        targets.into_iter().any(|pattern| pattern.has_schema())
            || self.columns.iter().any(|guard| guard.pattern.has_schema())
    }

    /// Whether some column is not even to be known of.
    pub(super) fn hides_columns(&self) -> bool {
        self.columns.iter().any(|guard| guard.mask.is_none())
    }

    /// Whether a job of that kind may run.
    ///
    /// # Errors
    /// `POLICY_DENIED`; `POLICY_DENIED` too when nothing can be written to the audit log.
    pub(crate) fn admit(&self, kind: &str) -> Result<()> {
        if let Some(kinds) = &self.kinds
            && kinds.value.iter().all(|known| known.as_str() != kind)
        {
            let allowed: Vec<&str> = kinds.value.iter().map(|kind| kind.as_str()).collect();
            let what =
                format!("jobs of kind \"{kind}\" are not allowed; those allowed are {}", allowed.join(", "));
            return Err(denied("policy.kinds", &kinds.setting, what));
        }
        match self.audit.as_ref().and_then(|audit| audit.trouble()) {
            Some(trouble) => {
                let what = format!("no job runs while the audit log cannot be written: {trouble}");
                Err(denied("policy.audit", "[policy] audit", what).with_retryable(true))
            }
            None => Ok(()),
        }
    }

    /// Whether jobs may look at a target.
    ///
    /// # Errors
    /// `POLICY_DENIED`.
    pub(super) fn target(&self, seen: &Seen) -> Result<()> {
        let refused = |rule: &str, setting: &str, what: String| {
            denied(rule, setting, what).with("target", seen.shown.as_str())
        };
        if let Some(Set { value, setting }) = &self.targets {
            if let Some(pattern) = value.deny.iter().find(|pattern| pattern.names(seen)) {
                let what = format!("the target \"{}\" is denied by \"!{pattern}\"", seen.shown);
                return Err(refused("policy.targets", setting, what));
            }
            if !value.allow.is_empty() && !value.allow.iter().any(|pattern| pattern.allows(seen)) {
                let what = format!("the target \"{}\" is not among those that are allowed", seen.shown);
                return Err(refused("policy.targets", setting, what));
            }
        }
        let beside = || self.columns.iter().find(|guard| guard.pattern.reaches_schema_of(seen));
        if seen.is_derived()
            && !self.is_listed(seen)
            && let Some(guard) = beside()
        {
            let what = format!(
                "the {} \"{}\" may show a column that \"{}\" hides under another name; list it by its whole name in \
                 `targets` to allow it",
                seen.kind, seen.shown, guard.pattern
            );
            return Err(refused("policy.views", &guard.setting, what));
        }
        Ok(())
    }

    /// The refusal of a name that no catalogue has, if there would be one were it there.
    pub(super) fn absent(&self, seen: &Seen) -> Option<Error> {
        let Set { value, setting } = self.targets.as_ref()?;
        let allowed = value.allow.is_empty() || value.allow.iter().any(|pattern| pattern.might_allow(seen));
        if allowed && !value.deny.iter().any(|pattern| pattern.names(seen)) {
            return None;
        }
        let what = format!("the target \"{}\" is not among those that are allowed", seen.shown);
        Some(denied("policy.targets", setting, what).with("target", seen.shown.as_str()))
    }

    /// Whether the operator named this very target.
    fn is_listed(&self, seen: &Seen) -> bool {
        let named = |rules: &Set<TargetRules>| {
            rules.value.allow.iter().any(|pattern| pattern.is_literal() && pattern.allows(seen))
        };
        self.targets.as_ref().is_some_and(named)
    }

    /// The rules that concern some column of a target.
    pub(super) fn guards<'p>(&'p self, seen: &'p Seen) -> impl Iterator<Item = &'p ColumnGuard> {
        self.columns.iter().filter(|guard| guard.pattern.is_of(seen))
    }

    /// The strictest rule for a column of a target.
    pub(super) fn guard<'p>(&'p self, seen: &'p Seen, column: &str) -> Option<&'p ColumnGuard> {
        let fitting = self.guards(seen).filter(|guard| guard.pattern.column().matches(column));
        fitting.max_by_key(|guard| guard.rule.strictness())
    }

    /// What rows of a target go through.
    pub(super) fn column_rules(&self, seen: &Seen) -> ColumnRules {
        let rules = self.guards(seen).map(|guard| (guard.pattern.column().clone(), guard.rule.clone()));
        ColumnRules::of_patterns(rules)
    }
}
