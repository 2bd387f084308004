//! Everything that a component may import.

use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::semilayer::connector::{log, net};
use crate::reach::bound_requests;
use crate::state::State;

/// All of WASI 0.2, because the standard library of every language imports it; empty where it could reach anything.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    bound_requests(&mut linker)?;
    net::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    log::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
