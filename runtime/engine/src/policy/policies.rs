//! The policies of all sources.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector_api::{CallContext, Session};
use connector_model::column_rules::{ColumnRule, KeyedHash};
use connector_model::error::Result;
use connector_model::nearest::nearest;
use connector_model::request::Request;
use thiserror::Error;

use super::audit::AuditLog;
use super::catalogue::Catalogue;
use super::guard::Guard;
use super::pattern::ColumnPattern;
use super::rules::{ColumnGuard, Policy, Set};
use super::section::{Mask, PolicySection, PolicySettings};
use crate::source::{FoundSource, SourceWarning, variable_name};

/// The policies of all sources. A clone is the same ones.
#[derive(Debug, Clone, Default)]
pub struct Policies(Arc<Table>);

#[derive(Debug, Default)]
struct Table {
    all: Arc<Policy>,
    /// Those of single sources, by how their names are spelled in variables: a gateway that calls `primary-db`
    /// `primary.db` reaches the same database.
    sources: HashMap<String, Named>,
}

/// The policy of one source.
#[derive(Debug)]
struct Named {
    /// The source as the file calls it.
    name: String,
    policy: Arc<Policy>,
}

/// A policy that cannot be kept.
#[derive(Debug, Error)]
pub enum PolicyFault {
    /// Columns are to be hashed, and there is no key.
    #[error(
        "{setting}: a column is masked with \"hash\" and there is no `mask_key`; set SEMILAYER_MASK_KEY or \
         SEMILAYER_MASK_KEY_FILE to a secret of at least 16 bytes"
    )]
    NoMaskKey {
        /// The setting that needs one.
        setting: String,
    },
    /// Two tables are of one source.
    #[error(
        "[policy.sources.{first}] and [policy.sources.{second}] mean the same source: names differ only in how they are spelled; remove one"
    )]
    SameSource {
        /// One table.
        first: String,
        /// The other.
        second: String,
    },
    /// The audit log cannot be written.
    #[error("{setting}: {} cannot be written: {problem}", path.display())]
    Audit {
        /// The setting.
        setting: String,
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: io::Error,
    },
}

/// Opens a file that lines are added to.
type Open<'o> = dyn FnMut(&Path) -> io::Result<Option<Arc<AuditLog>>> + 'o;

impl Policies {
    /// What the file means. Files that `before` writes to stay open.
    ///
    /// # Errors
    /// [`PolicyFault`].
    pub fn new(settings: &PolicySettings, before: &Policies) -> std::result::Result<Self, PolicyFault> {
        let mut logs: HashMap<PathBuf, Arc<AuditLog>> = HashMap::new();
        for policy in before.0.every() {
            logs.extend(policy.audit.iter().map(|log| (log.path().to_owned(), log.clone())));
        }
        Policies::with(settings, &mut |path| {
            if let Some(log) = logs.get(path) {
                return Ok(Some(log.clone()));
            }
            let log = Arc::new(AuditLog::open(path)?);
            logs.insert(path.to_owned(), log.clone());
            Ok(Some(log))
        })
    }

    /// What the file means, for whoever only asks: nothing is written down.
    ///
    /// # Errors
    /// [`PolicyFault`].
    pub fn unrecorded(settings: &PolicySettings) -> std::result::Result<Self, PolicyFault> {
        Policies::with(settings, &mut |_| Ok(None))
    }

    fn with(settings: &PolicySettings, open: &mut Open<'_>) -> std::result::Result<Self, PolicyFault> {
        let PolicySettings { all, sources } = settings;
        let mut spelled: HashMap<String, Named> = HashMap::new();
        for (name, own) in sources {
            let named = Named {
                name: name.clone(),
                policy: Arc::new(policy(all, Some((name.as_str(), own)), open)?),
            };
            if let Some(Named { name: first, .. }) = spelled.insert(variable_name(name), named) {
                return Err(PolicyFault::SameSource { first, second: name.clone() });
            }
        }
        let all = Arc::new(policy(all, None, open)?);
        Ok(Policies(Arc::new(Table { all, sources: spelled })))
    }

    /// The policy of the source of that name.
    pub fn of(&self, source: &str) -> Arc<Policy> {
        if self.0.sources.is_empty() {
            return self.0.all.clone();
        }
        let own = self.0.sources.get(&variable_name(source)).map(|named| &named.policy);
        own.unwrap_or(&self.0.all).clone()
    }

    /// The policies of sources that are not among these: names that somebody got wrong, or that are not assigned yet.
    pub fn of_none(&self, known: &[FoundSource]) -> Vec<SourceWarning> {
        let strangers = self
            .0
            .sources
            .values()
            .filter(|named| !known.iter().any(|source| same_source(&source.name, &named.name)));
        let mut warnings: Vec<SourceWarning> = strangers
            .map(|Named { name, .. }| {
                let alike = nearest(name, known.iter().map(|source| source.name.as_str()));
                let nearest = alike.first().map(|name| format!("[policy.sources.{name}]"));
                SourceWarning::PolicyOfNone { source: name.clone(), nearest }
            })
            .collect();
        warnings.sort_by_key(ToString::to_string);
        warnings
    }

    /// Waits until what was done is written down.
    pub(crate) fn flush(&self) {
        self.0.every().filter_map(|policy| policy.audit.as_ref()).for_each(|log| log.flush());
    }
}

impl Table {
    fn every(&self) -> impl Iterator<Item = &Arc<Policy>> {
        std::iter::once(&self.all).chain(self.sources.values().map(|named| &named.policy))
    }
}

/// Whether two names of sources are the same to variables, and so to policies.
pub fn same_source(one: &str, other: &str) -> bool {
    variable_name(one) == variable_name(other)
}

/// The policy of one source: what its own table sets takes the place of what `[policy]` sets, but for columns, where both
/// count.
fn policy(
    all: &PolicySection,
    own: Option<(&str, &PolicySection)>,
    open: &mut Open<'_>,
) -> std::result::Result<Policy, PolicyFault> {
    let own_table = own.map(|(name, _)| format!("[policy.sources.{name}]"));
    let tables: Vec<(&str, &PolicySection)> = own
        .iter()
        .filter_map(|(_, section)| Some((own_table.as_deref()?, *section)))
        .chain([("[policy]", all)])
        .collect();
    fn first<T>(
        tables: &[(&str, &PolicySection)],
        key: &str,
        get: impl Fn(&PolicySection) -> Option<T>,
    ) -> Option<Set<T>> {
        let found = tables.iter().find_map(|(table, section)| Some((table, get(section)?)));
        found.map(|(table, value)| Set { value, setting: Arc::from(format!("{table} {key}")) })
    }
    let mut columns = Vec::new();
    let key = first(&tables, "mask_key", |section| section.mask_key.clone());
    let key: Option<Arc<dyn KeyedHash>> = key.map(|key| key.value.0 as Arc<dyn KeyedHash>);
    for (table, section) in &tables {
        let setting: Arc<str> = Arc::from(format!("{table} columns.deny"));
        columns.extend(section.deny.iter().map(|pattern| ColumnGuard {
            pattern: pattern.clone(),
            mask: None,
            rule: ColumnRule::Drop,
            setting: setting.clone(),
        }));
        let setting: Arc<str> = Arc::from(format!("{table} mask"));
        for (pattern, mask) in &section.mask {
            columns.push(masked(pattern, *mask, &setting, key.clone())?);
        }
    }
    let audit = match first(&tables, "audit", |section| section.audit.clone()) {
        None => None,
        Some(Set { value: path, setting }) => open(&path).map_err(|problem| PolicyFault::Audit {
            setting: setting.to_string(),
            path,
            problem,
        })?,
    };
    Ok(Policy {
        statement_timeout: first(&tables, "statement_timeout", |section| section.statement_timeout),
        max_rows: first(&tables, "max_rows", |section| section.max_rows),
        max_bytes: first(&tables, "max_bytes", |section| section.max_bytes),
        max_concurrent: first(&tables, "max_concurrent", |section| section.max_concurrent),
        targets: first(&tables, "targets", |section| section.targets.clone()),
        kinds: first(&tables, "kinds", |section| section.kinds.clone()),
        columns,
        audit,
    })
}

fn masked(
    pattern: &ColumnPattern,
    mask: Mask,
    setting: &Arc<str>,
    key: Option<Arc<dyn KeyedHash>>,
) -> std::result::Result<ColumnGuard, PolicyFault> {
    let rule = match (mask, key) {
        (Mask::Null, _) => ColumnRule::Null,
        (Mask::Redact, _) => ColumnRule::Redact,
        (Mask::Hash, Some(key)) => ColumnRule::Hash(key),
        (Mask::Hash, None) => return Err(PolicyFault::NoMaskKey { setting: setting.to_string() }),
    };
    Ok(ColumnGuard { pattern: pattern.clone(), mask: Some(mask), rule, setting: setting.clone() })
}

/// What a policy says to one job.
#[derive(Debug, Clone, Default)]
pub struct Decision {
    /// What does not concern this job's answer as a whole, in the order in which it acts: a sentence each.
    pub notes: Vec<String>,
    /// Whether some rule has not been asked, because it needs the target's schema.
    pub is_open: bool,
}

impl Policy {
    /// What a job of that kind is told without asking a database.
    ///
    /// # Errors
    /// `POLICY_DENIED` where no answer of the database could change it.
    pub fn preview(&self, kind: &str, request: &Request) -> Result<Decision> {
        self.admit(kind)?;
        let has_target = !matches!(request, Request::Test | Request::ListTargets);
        Ok(Decision { notes: self.bounds(), is_open: self.looks_at_targets() && has_target })
    }

    /// What a job of that kind is told, its targets looked up on the session.
    ///
    /// # Errors
    /// `POLICY_DENIED`; the session's.
    pub async fn explain(
        &self,
        kind: &str,
        request: &Request,
        session: &mut dyn Session,
        call: &CallContext,
    ) -> Result<Decision> {
        let mut decision = self.preview(kind, request)?;
        let guard = Guard::new(self, session, call, &Catalogue::default(), request).await?;
        if let Request::Introspect(target) = request {
            guard.introspected(session, call, target).await?;
        }
        decision.notes.extend(guard.notes());
        decision.is_open = false;
        Ok(decision)
    }

    fn bounds(&self) -> Vec<String> {
        let said = |setting: &str, what: String| format!("{what} ({setting})");
        let timeout = self.statement_timeout.as_ref();
        let rows = self.max_rows.as_ref();
        let bytes = self.max_bytes.as_ref();
        let jobs = self.max_concurrent.as_ref();
        [
            timeout.map(|set| said(&set.setting, format!("ends after {:?} at the latest", set.value))),
            rows.map(|set| said(&set.setting, format!("ends beyond {} rows", set.value))),
            bytes.map(|set| said(&set.setting, format!("ends beyond {} bytes", set.value))),
            jobs.map(|set| said(&set.setting, format!("waits while {} jobs of this source run", set.value))),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
