//! What the imports of one instance see.

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::limits::{Limits, MAX_RANDOM_BYTES, MAX_RESOURCES};
use crate::log::Log;
use crate::reach::{Reach, http_context};

/// The data of one instance's store.
pub(crate) struct State {
    /// The host's side of every resource that the guest holds: connections, streams, pollables.
    pub(crate) table: ResourceTable,
    wasi: WasiCtx,
    /// For the view of `wasi:http`.
    pub(crate) http: WasiHttpCtx,
    /// What memory and tables may grow to.
    pub(crate) limits: Limits,
    /// Where it may connect to, and how.
    pub(crate) reach: Reach,
    /// Where its lines go.
    pub(crate) log: Log,
}

impl State {
    /// The state of an instance that may use `memory` bytes.
    pub(crate) fn new(memory: usize, reach: Reach) -> Self {
        let log = reach.log().clone();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_RESOURCES);
        // A new context is empty: no files, no environment, no arguments, standard input at its end. What it would
        // allow of sockets is taken away: connections are made by `net` and `wasi:http`, under the grant.
        let wasi = WasiCtx::builder()
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .max_random_size(MAX_RANDOM_BYTES)
            .stdout(log.stdout())
            .stderr(log.stderr())
            .build();
        State { table, wasi, http: http_context(), limits: Limits::new(memory), reach, log }
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
