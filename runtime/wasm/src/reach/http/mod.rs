//! HTTP requests of a guest: `wasi:http` over connections that the host makes, under the same grant as `net`.
//!
//! HTTP/1.1, TLS checked against the runner's authorities, no proxy. A redirect is an answer like any other: whoever
//! follows it sends a new request, which is checked like the first.

mod answer;
mod exchange;
mod failure;
mod idle;
mod target;
#[cfg(test)]
mod tests;
mod unsent;

use std::sync::Arc;

use http::{Request, Response};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use super::outbound::Outbound;
use crate::state::State;
use idle::Idle;
pub(crate) use unsent::{bound, context};

/// What stands between a guest's requests and the network.
pub(crate) struct Gate {
    outbound: Arc<Outbound>,
    idle: Arc<Idle>,
}

impl Gate {
    pub(super) fn new(outbound: Arc<Outbound>) -> Gate {
        Gate { outbound, idle: Arc::default() }
    }
}

type Ending = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Gate {
    /// The header is written here, from the host that was checked.
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn p2_outgoing_body_buffer_chunks(&mut self) -> usize {
        unsent::BODY_PIECES
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        unsent::BODY_PIECE
    }

    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _ending: Ending,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Ending), Error>> + Send> {
        let (outbound, idle) = (self.outbound.clone(), self.idle.clone());
        Box::new(async move {
            let answer = exchange::send(&outbound, &idle, request, options.unwrap_or_default()).await?;
            // The connection is driven by a task of its own, which the body holds.
            Ok((answer, Box::new(async { Ok(()) }) as Ending))
        })
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: self.reach.gate(), table: &mut self.table, ctx: &mut self.http }
    }
}
