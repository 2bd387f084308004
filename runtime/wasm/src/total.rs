//! How many rows there are, limit and offset left aside: seen in the result where it shows, else counted behind it.

use connector_api::RowSink;
use connector_model::error::Result;
use connector_model::module::{ModuleManifest, Operation};
use connector_model::request::{Count, Query, Read};
use wasmtime::component::ResourceAny;

use crate::asked;
use crate::bindings::exports::semilayer::connector::source::Call;
use crate::failure::Failure;
use crate::instance::{Instance, Outcome};
use crate::pull::Pulled;

/// What a result's total takes.
pub(crate) struct Total {
    wanted: bool,
    target: String,
    /// What `count` is asked.
    filter: Option<String>,
    limit: Option<u64>,
    offset: u64,
    /// Whether the module says by a cursor that the limit cut a result.
    shows_cut: bool,
    /// Whether the module counts.
    counts: bool,
}

impl Total {
    /// Of a `read`: told once, with the first page.
    pub(crate) fn of_read(request: &Read, manifest: &ModuleManifest) -> Result<Total> {
        Ok(Total {
            wanted: request.cursor.is_none(),
            target: request.target.clone(),
            filter: asked::changed(request.changed_since.as_ref())?,
            limit: Some(request.limit),
            offset: 0,
            shows_cut: manifest.manifest.capabilities.cursor,
            counts: manifest.operations.contains(&Operation::Count),
        })
    }

    /// Of a `query`: a page that a cursor leads to shows only what is left, and its total was told before.
    pub(crate) fn of_query(request: &Query, manifest: &ModuleManifest) -> Total {
        let count = Count { target: request.target.clone(), filter: request.filter.clone() };
        Total {
            wanted: request.include_total && request.cursor.is_none(),
            filter: asked::count(&count),
            target: count.target,
            limit: request.limit,
            offset: request.offset,
            shows_cut: manifest.manifest.capabilities.cursor,
            counts: manifest.operations.contains(&Operation::Count),
        }
    }

    /// What the result shows by itself.
    fn shown(&self, pulled: &Pulled) -> Option<u64> {
        let full = self.limit.is_some_and(|limit| pulled.rows >= limit);
        let cut = pulled.next.is_some() || (full && (!self.shows_cut || self.limit == Some(0)));
        // An offset behind the last row shows nothing.
        let placed = pulled.rows > 0 || self.offset == 0;
        (!cut && placed).then(|| self.offset.saturating_add(pulled.rows))
    }

    /// The total, where it is wanted and to be had. An estimate is none.
    pub(crate) async fn settle(
        &self,
        instance: &mut Instance,
        session: ResourceAny,
        call: &Call,
        pulled: &Pulled,
        out: &mut RowSink<'_>,
    ) -> Outcome<Option<u64>> {
        if !self.wanted {
            return Ok(None);
        }
        if let Some(total) = self.shown(pulled) {
            return Ok(Some(total));
        }
        if !self.counts {
            return Ok(None);
        }
        // The rows go out before the count begins: a slow one holds back nothing but the end.
        out.flush().await.map_err(Failure::Refused)?;
        let counted = instance.count(session, call, &self.target, self.filter.as_ref()).await?;
        Ok(counted.exact.then_some(counted.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::cursor::CursorKind;

    fn total(limit: Option<u64>, offset: u64, shows_cut: bool) -> Total {
        Total { wanted: true, target: "t".into(), filter: None, limit, offset, shows_cut, counts: true }
    }

    fn pulled(rows: u64, cut: bool) -> Pulled {
        Pulled { rows, next: cut.then(|| ("c".to_owned(), CursorKind::Keyset)) }
    }

    #[test]
    fn a_result_shows_its_total_unless_it_was_cut_or_begins_behind_the_end() {
        for (limit, offset, shows_cut, rows, cut, shown) in [
            (None, 0, true, 7, false, Some(7)),
            (None, 0, true, 0, false, Some(0)),
            (None, 3, true, 7, false, Some(10)),
            (None, 3, true, 0, false, None),
            (Some(10), 0, true, 10, true, None),
            // The last page, full to the brim.
            (Some(10), 0, true, 10, false, Some(10)),
            (Some(10), 5, true, 4, false, Some(9)),
            // Without cursors nobody says that there is more.
            (Some(10), 0, false, 10, false, None),
            (Some(10), 0, false, 9, false, Some(9)),
            (Some(0), 0, true, 0, false, None),
            (Some(0), 0, false, 0, false, None),
        ] {
            let found = total(limit, offset, shows_cut).shown(&pulled(rows, cut));
            assert_eq!(found, shown, "{limit:?} {offset} {shows_cut} {rows} {cut}");
        }
    }
}
