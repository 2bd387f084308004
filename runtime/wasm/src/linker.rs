//! Everything that a component may import.

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::state::State;

/// All of WASI 0.2, because the standard library of every language imports it; empty where it could reach anything.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    Ok(linker)
}
