//! Requests to rows.

use std::collections::VecDeque;

use semilayer_connector::filter::Filter;
use semilayer_connector::prelude::{
    BoxedRows, Call, Count, Counted, Query, Read, Result, ServerInfo, Session, Target, TargetSchema,
};

use crate::catalog::{self, Shapes};
use crate::commands::{Command, Commands};
use crate::condition::Condition;
use crate::flow::{Flow, Passing, Shown};
use crate::keys::Keys;
use crate::name::Prefix;
use crate::paging::Paging;
use crate::ranked::{Ranked, Window};
use crate::refused::{refused, unexpected};
use crate::reply::Reply;
use crate::row::Row;
use crate::seen::{GENERATION, Seen};
use crate::shape::Shape;
use crate::sweep::Sweep;

/// Up to so many keys in the database, `read` goes through a target in the order of its keys: each page looks at all of
/// them. Beyond, that would cost the server more than it is worth, and pages follow its own order.
const ORDERED_KEYS: i64 = 100_000;

/// How many kinds of values are asked for in one go.
const KINDS_AT_ONCE: usize = 1_000;

/// A session over keys and values.
pub struct Keyspace<C> {
    commands: C,
    shapes: Shapes,
    /// How many rows of a target are looked at for its columns.
    sample_rows: u64,
    ordered_keys: i64,
    /// How many keys a count is sure to count once.
    remembered: usize,
}

impl<C: Commands> Keyspace<C> {
    /// A session over a connection that has been opened.
    pub fn new(commands: C, sample_rows: u64) -> Keyspace<C> {
        Keyspace {
            commands,
            shapes: Shapes::default(),
            sample_rows: sample_rows.max(1),
            ordered_keys: ORDERED_KEYS,
            remembered: GENERATION,
        }
    }

    /// Above how many keys in the database pages of `read` follow the server's own order.
    #[must_use]
    pub fn ordered_up_to(mut self, keys: i64) -> Keyspace<C> {
        self.ordered_keys = keys;
        self
    }

    /// So many keys are remembered by a count, and once more as many: of two that came with more others between them than
    /// that nobody knows whether they are one.
    #[must_use]
    pub fn remembering(mut self, keys: usize) -> Keyspace<C> {
        self.remembered = keys.max(1);
        self
    }

    /// The connection.
    pub fn commands(&mut self) -> &mut C {
        &mut self.commands
    }

    fn shape(&mut self, prefix: &Prefix, needed: &[&str]) -> Result<Shape> {
        self.shapes.of(&mut self.commands, prefix, self.sample_rows, needed)
    }

    /// Whether pages in the order of keys are affordable.
    fn is_small(&mut self) -> Result<bool> {
        self.commands.send(&[Command::Size])?;
        match self.commands.reply()? {
            Reply::Integer(keys) => Ok(keys <= self.ordered_keys),
            // Not to be told how large it is means to be careful.
            Reply::Refused(refusal) if refusal.code == "NOPERM" => Ok(false),
            reply => Err(unexpected(Command::Size.name(), &reply)),
        }
    }

    /// All keys of the prefix, to be counted.
    fn to_count(&self, prefix: &Prefix) -> Keys {
        Keys::Swept(Sweep::new(Some(prefix)), Box::new(Seen::remembering(self.remembered)))
    }

    /// How many keys of the prefix hold a row.
    fn count_all(&mut self, prefix: &Prefix) -> Result<Counted> {
        let mut keys = self.to_count(prefix);
        let (mut waiting, mut total, mut more) = (VecDeque::new(), 0, true);
        while more {
            more = keys.next(&mut self.commands, None, &mut waiting)?;
            if waiting.len() >= KINDS_AT_ONCE || !more {
                total += self.rows_among(&waiting)?;
                waiting.clear();
            }
        }
        Ok(Counted { total, approximate: keys.may_repeat() })
    }

    fn rows_among(&mut self, keys: &VecDeque<Box<str>>) -> Result<u64> {
        let commands: Vec<Command<'_>> = keys.iter().map(|key| Command::Type(key)).collect();
        if commands.is_empty() {
            return Ok(0);
        }
        self.commands.send(&commands)?;
        let mut rows = 0;
        for command in &commands {
            match self.commands.reply()? {
                Reply::Refused(refusal) => return Err(refused(command.name(), &refusal)),
                reply => match reply.as_text() {
                    Some("string" | "hash") => rows += 1,
                    Some(_) => {}
                    None => return Err(unexpected(command.name(), &reply)),
                },
            }
        }
        Ok(rows)
    }

    /// The keys of a query: those that its filter names, or all of the prefix.
    fn keys_of(filter: &Filter, prefix: &Prefix, all: impl FnOnce() -> Keys) -> Keys {
        Keys::named(filter, prefix).unwrap_or_else(all)
    }
}

/// The names of the columns that a filter looks at, and of others.
fn needed<'a>(filter: Option<&'a Filter>, others: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<String> = others.into_iter().map(str::to_owned).collect();
    if let Some(filter) = filter {
        let visited: Result<(), std::convert::Infallible> = filter.visit_columns(&mut |name| {
            names.push(name.to_owned());
            Ok(())
        });
        match visited {
            Ok(()) => {}
        }
    }
    names
}

fn borrowed(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

impl<C: Commands> Session for Keyspace<C> {
    fn ping(&mut self) -> Result<ServerInfo> {
        self.commands.server()
    }

    fn list_targets(&mut self) -> Result<Vec<Target>> {
        catalog::targets(&mut self.commands)
    }

    fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        let prefix = Prefix::of(target)?;
        Ok(self.shape(&prefix, &[])?.schema())
    }

    fn read(&mut self, _call: &Call, request: &Read) -> Result<BoxedRows<Self>> {
        let prefix = Prefix::of(&request.target)?;
        let since = request.changed_since.as_ref();
        let names = request.fields.iter().flatten().map(String::as_str);
        let names = needed(None, names.chain(since.map(|since| since.column.as_str())));
        let shape = self.shape(&prefix, &borrowed(&names))?;
        let columns = shape.selected("fields", request.fields.as_deref())?;
        let condition = since.map(|since| Condition::changed(since, &shape)).transpose()?.unwrap_or_default();
        let shown = Shown { columns, all: request.fields.is_none() };
        let (by_key, by_scan) = (Paging::by(&prefix.name, &[]), Paging::by_scan(&prefix.name));
        let limit = request.limit;
        let place = match request.cursor.as_deref() {
            None if self.is_small()? => None,
            None => Some((Sweep::new(Some(&prefix)), Vec::new())),
            Some(cursor) => match by_scan.place(cursor) {
                Err(_) => None,
                Ok(at) => Some((Sweep::resumed(&prefix, at.place.as_deref())?, at.carried)),
            },
        };
        let flow = match place {
            Some((sweep, carried)) => {
                let mut rows = Passing::new(Keys::swept(sweep), condition, shape.hashes);
                rows.begin_with(carried);
                Flow::new(rows, shown, by_scan, 0, Some(limit))
            }
            None => {
                let after = request.cursor.as_deref().map(|cursor| by_key.key(cursor)).transpose()?;
                let wanted = condition.is_open().then_some(limit);
                let keys = Keys::ordered(&prefix, after.as_deref(), wanted);
                Flow::new(Passing::new(keys, condition, shape.hashes), shown, by_key, 0, Some(limit))
            }
        };
        Ok(Box::new(flow))
    }

    fn query(&mut self, _call: &Call, request: &Query) -> Result<BoxedRows<Self>> {
        let prefix = Prefix::of(&request.target)?;
        let (select, orders) = (request.select.as_deref(), &request.order_by);
        let names = select.into_iter().flatten().map(String::as_str);
        let names =
            needed(Some(&request.filter), names.chain(orders.iter().map(|order| order.column.as_str())));
        let shape = self.shape(&prefix, &borrowed(&names))?;
        let shown = Shown { columns: shape.selected("select", select)?, all: select.is_none() };
        for order in orders {
            shape.column("orderBy", &order.column)?;
        }
        let condition = Condition::new(&request.filter, &shape)?;
        let paging = Paging::by(&prefix.name, orders);
        let cursor = request.cursor.as_deref();
        let swept = || Keys::swept(Sweep::new(Some(&prefix)));
        if !paging.is_by_key() {
            let after = cursor.map(|cursor| paging.ranks(cursor)).transpose()?;
            let rows = Passing::new(Self::keys_of(&request.filter, &prefix, swept), condition, shape.hashes);
            let window = Window { after, offset: request.offset, limit: request.limit };
            return Ok(Box::new(Ranked::sort(&mut self.commands, rows, shown, &paging, &window)?));
        }
        let after = cursor.map(|cursor| paging.key(cursor)).transpose()?;
        // Rows that nobody wants in an order come in the server's.
        let is_whole = orders.is_empty() && after.is_none() && request.offset == 0 && request.limit.is_none();
        let all = || match is_whole {
            true => swept(),
            false => {
                let rows = request.limit.map(|limit| limit.saturating_add(request.offset));
                Keys::ordered(&prefix, after.as_deref(), rows.filter(|_| condition.is_open()))
            }
        };
        let mut keys = Self::keys_of(&request.filter, &prefix, all);
        if let Some(after) = &after {
            keys.skip_to(after);
        }
        let rows = Passing::new(keys, condition, shape.hashes);
        Ok(Box::new(Flow::new(rows, shown, paging, request.offset, request.limit)))
    }

    fn count(&mut self, _call: &Call, request: &Count) -> Result<Counted> {
        let prefix = Prefix::of(&request.target)?;
        if request.filter.is_true() {
            return match self.count_all(&prefix)? {
                Counted { total: 0, .. } => catalog::unknown(&mut self.commands, &prefix),
                counted => Ok(counted),
            };
        }
        let names = needed(Some(&request.filter), []);
        let shape = self.shape(&prefix, &borrowed(&names))?;
        let condition = Condition::counted(&request.filter, &shape)?;
        let keys = Self::keys_of(&request.filter, &prefix, || self.to_count(&prefix));
        let mut rows = Passing::new(keys, Condition::default(), shape.hashes);
        let mut total = 0;
        while let Some(fetched) = rows.next(&mut self.commands, None)? {
            total += u64::from(condition.passes(&Row::of(&fetched)));
        }
        Ok(Counted { total, approximate: rows.may_repeat() })
    }
}

#[cfg(test)]
mod tests;
