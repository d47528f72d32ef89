//! How long a request's method and authority may be, asked when the guest sets them.
//!
//! WASI's own implementation keeps them at any length, once for each request that the guest makes and perhaps never
//! sends. That memory is the host's, so the meter of the guest's does not see it: with megabytes in each of some
//! hundred requests, one call could take the machine's. Paths (64 KiB) and headers have limits already.

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;

use super::CallCtx;

/// The interface as WASI's implementation defines it, with that implementation's version. With another one the
/// functions here would guard nothing, which the tests of hostile plugins would notice.
const TYPES: &str = "wasi:http/types@0.2.12";
/// Longest method. The longest that anybody registered has 17 letters.
const METHOD_BYTES_MAX: usize = 32;
/// Longest authority: a host's name (253), a port, and room for what is refused later with a better reason.
const AUTHORITY_BYTES_MAX: usize = 512;

/// What the interface returns: the guest learns that the word was not taken, not why.
type Taken = std::result::Result<(), ()>;

/// Puts the two functions in the place of WASI's own, to which they pass on what is short enough.
pub(super) fn link(linker: &mut Linker<CallCtx>) -> Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    types.func_wrap(
        "[method]outgoing-request.set-method",
        |mut store: StoreContextMut<'_, CallCtx>,
         (request, method): (Resource<HostOutgoingRequest>, Method)| {
            let too_long = matches!(&method, Method::Other(word) if word.len() > METHOD_BYTES_MAX);
            let taken: Taken =
                if too_long { Err(()) } else { store.data_mut().http().set_method(request, method)? };
            Ok((taken,))
        },
    )?;
    types.func_wrap(
        "[method]outgoing-request.set-authority",
        |mut store: StoreContextMut<'_, CallCtx>,
         (request, authority): (Resource<HostOutgoingRequest>, Option<String>)| {
            let too_long = authority.as_ref().is_some_and(|authority| authority.len() > AUTHORITY_BYTES_MAX);
            let taken: Taken =
                if too_long { Err(()) } else { store.data_mut().http().set_authority(request, authority)? };
            Ok((taken,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}
