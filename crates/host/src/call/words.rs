//! Limits on the length of a request's method and authority, checked when the guest sets them.
//!
//! WASI's own implementation keeps them at any length, even for requests that are never sent. That memory is the
//! host's, so the guest's meter does not count it: with megabytes in each of several hundred requests, one call could
//! exhaust the machine. Paths (64 KiB) and headers have limits already.

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types::{HostOutgoingRequest as _, Method};
use wasmtime_wasi_http::p2::types::HostOutgoingRequest;

use super::CallCtx;

/// The interface in the version that WASI's implementation defines. With another version these functions would guard
/// nothing; the tests of hostile plugins would fail then.
const TYPES: &str = "wasi:http/types@0.2.12";
/// Longest method. The longest registered one has 17 letters.
const METHOD_BYTES_MAX: usize = 32;
/// Longest authority: a host name (253), a port, and room for authorities that are refused later with a better reason.
const AUTHORITY_BYTES_MAX: usize = 512;

/// What the interface returns: no reason.
type Taken = std::result::Result<(), ()>;

/// Replaces WASI's two functions with ones that check the length and then call WASI's.
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
