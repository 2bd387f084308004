//! What a guest may make the host keep of requests that are not sent yet.
//!
//! A request, its fields and the pieces of its body lie in the host's memory, which the instance's own limit does not
//! see. Each of them is bounded here, and their number by the instance's resources: all together they are
//! some 30 MiB at most, where a guest does nothing else than that.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method, OutgoingRequest};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpView as _};

use crate::state::State;

/// Bytes of one set of fields, with what a map of them takes besides: servers take some 8 to 32 KiB of head.
const MAX_FIELDS: usize = 32 * 1024;

/// Pieces of a body that wait for the network; one more is always taken.
pub(super) const BODY_PIECES: usize = 1;

/// Bytes of one piece.
pub(super) const BODY_PIECE: usize = 16 * 1024;

/// Bytes of a method: the longest that is registered has 17 (RFC 9110 §16.1.1).
const MAX_METHOD: usize = 64;

/// Bytes of a path with its query: servers take some 8 KiB, and URLs of this program's HTTP library end there.
const MAX_PATH: usize = 64 * 1024 - 1;

/// Bytes of a host with its port: a name has 253 at most.
const MAX_AUTHORITY: usize = 512;

/// The interface that has requests.
const TYPES: &str = "wasi:http/types@0.2.12";

/// What fields may take.
pub(crate) fn context() -> WasiHttpCtx {
    let mut context = WasiHttpCtx::new();
    context.set_field_size_limit(MAX_FIELDS);
    context
}

/// Puts what refuses a text that is too long before the functions that would keep it. They answer as they do for one
/// that is malformed.
pub(crate) fn bound(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap("[method]outgoing-request.set-method", set_method)?;
    types.func_wrap("[method]outgoing-request.set-path-with-query", set_path)?;
    types.func_wrap("[method]outgoing-request.set-authority", set_authority)?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What the setters of a request answer.
type Set = wasmtime::Result<(Result<(), ()>,)>;

fn set_method(
    mut store: StoreContextMut<'_, State>,
    (request, method): (Resource<OutgoingRequest>, Method),
) -> Set {
    if matches!(&method, Method::Other(text) if text.len() > MAX_METHOD) {
        return Ok((Err(()),));
    }
    Ok((store.data_mut().http().set_method(request, method)?,))
}

fn set_path(
    mut store: StoreContextMut<'_, State>,
    (request, path): (Resource<OutgoingRequest>, Option<String>),
) -> Set {
    if path.as_ref().is_some_and(|path| path.len() > MAX_PATH) {
        return Ok((Err(()),));
    }
    Ok((store.data_mut().http().set_path_with_query(request, path)?,))
}

fn set_authority(
    mut store: StoreContextMut<'_, State>,
    (request, authority): (Resource<OutgoingRequest>, Option<String>),
) -> Set {
    if authority.as_ref().is_some_and(|authority| authority.len() > MAX_AUTHORITY) {
        return Ok((Err(()),));
    }
    Ok((store.data_mut().http().set_authority(request, authority)?,))
}
