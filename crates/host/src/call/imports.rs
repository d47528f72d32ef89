//! The contract's imports: each request of the guest is checked against the contract, searched for the tenant's key,
//! and passed on to the tenant's directory, storage and log.

use std::time::Duration;

use wasmtime::component::{HasData, HasSelf, Linker, ResourceTable};
use wasmtime::{Error, Result};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi::p2::bindings::clocks::wall_clock;
use wasmtime_wasi_http::{WasiHttpCtxView, WasiHttpView};

use super::{CallCtx, words};
use crate::contract::bindings::gym::door_access::{directory, log, storage, types};
use crate::contract::directory::{DirectoryError, MemberPage};
use crate::contract::log::{Field, Level};
use crate::contract::storage::{Entry, StorageError, Write};
use crate::contract::types::{Member, Plan};
use crate::directory::PAGE_MEMBERS_MAX;
use crate::error::{CallError, EndCall, Fault};
use crate::log::withheld;
use crate::storage::{KEY_BYTES_MAX, Malformed, SCAN_ENTRIES_MAX, check_commit, entry_bytes};

/// How many entries to read from storage at once: 16 MiB of the largest values.
const SCAN_BATCH_ENTRIES: u32 = 64;

/// Everything that any plugin may import, and nothing else. Components with other imports were refused before.
pub(crate) fn link(linker: &mut Linker<CallCtx>) -> Result<()> {
    directory::add_to_linker::<_, HasSelf<CallCtx>>(linker, |ctx| ctx)?;
    storage::add_to_linker::<_, HasSelf<CallCtx>>(linker, |ctx| ctx)?;
    log::add_to_linker::<_, HasSelf<CallCtx>>(linker, |ctx| ctx)?;
    types::add_to_linker::<_, HasSelf<CallCtx>>(linker, |ctx| ctx)?;
    wasi::io::error::add_to_linker::<_, HasTable>(linker, |ctx| &mut ctx.table)?;
    wasi::io::poll::add_to_linker::<_, HasTable>(linker, |ctx| &mut ctx.table)?;
    wasi::io::streams::add_to_linker::<_, HasTable>(linker, |ctx| &mut ctx.table)?;
    wall_clock::add_to_linker::<_, HasSelf<CallCtx>>(linker, |ctx| ctx)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    words::link(linker)
}

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

impl WasiHttpView for CallCtx {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

impl types::Host for CallCtx {}

impl wall_clock::Host for CallCtx {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        let now = Duration::from_millis(self.provisions.clock.now_ms());
        Ok(wall_clock::Datetime { seconds: now.as_secs(), nanoseconds: now.subsec_nanos() })
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 1_000_000 })
    }
}

impl CallCtx {
    /// Ends the call when the guest's request to the platform contains the tenant's key: platforms log requests.
    fn check_keyless(&self, place: &str, texts: &[&str]) -> Result<()> {
        if texts.iter().any(|text| self.provisions.gate.finds_key(text.as_bytes())) {
            return Err(EndCall(CallError::CredentialExposed(place.to_owned())).into());
        }
        Ok(())
    }
}

impl directory::Host for CallCtx {
    async fn get_member(&mut self, id: String) -> Result<Result<Option<Member>, DirectoryError>> {
        self.check_keyless("a request to the directory", &[&id])?;
        answer(self.provisions.directory.get_member(&id).await)
    }

    async fn find_members(&mut self, email: String) -> Result<Result<Vec<Member>, DirectoryError>> {
        self.check_keyless("a request to the directory", &[&email])?;
        answer(self.provisions.directory.find_members(&email).await)
    }

    async fn list_members(
        &mut self,
        after: Option<String>,
        limit: u32,
    ) -> Result<Result<MemberPage, DirectoryError>> {
        if !(1..=PAGE_MEMBERS_MAX).contains(&limit) {
            return Err(breach(format!(
                "directory.list-members: limit is {limit}, and 1 to {PAGE_MEMBERS_MAX} is allowed"
            )));
        }
        self.check_keyless("a request to the directory", &[after.as_deref().unwrap_or_default()])?;
        answer(self.provisions.directory.list_members(after.as_deref(), limit).await)
    }

    async fn list_plans(&mut self) -> Result<Result<Vec<Plan>, DirectoryError>> {
        answer(self.provisions.directory.list_plans().await)
    }
}

impl storage::Host for CallCtx {
    async fn get(&mut self, key: String) -> Result<Result<Option<Entry>, StorageError>> {
        // Such a key can never have been written.
        if key.len() > KEY_BYTES_MAX {
            return Ok(Ok(None));
        }
        self.check_keyless("a request to storage", &[&key])?;
        answer(self.provisions.storage.get(&key).await)
    }

    async fn scan(
        &mut self,
        prefix: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Result<Vec<Entry>, StorageError>> {
        if !(1..=SCAN_ENTRIES_MAX).contains(&limit) {
            return Err(breach(format!(
                "storage.scan: limit is {limit}, and 1 to {SCAN_ENTRIES_MAX} is allowed"
            )));
        }
        if prefix.len() > KEY_BYTES_MAX {
            return Ok(Ok(Vec::new()));
        }
        self.check_keyless("a request to storage", &[&prefix, after.as_deref().unwrap_or_default()])?;
        let bytes_max = self.provisions.limits.scan_bytes_max;
        let (mut found, mut bytes_left) = (Vec::new(), bytes_max);
        let mut left = limit;
        // No other call of the tenant commits meanwhile, so the scan may be read in parts.
        while left > 0 {
            let batch = left.min(SCAN_BATCH_ENTRIES);
            let behind = found.last().map(|entry: &Entry| entry.key.as_str()).or(after.as_deref());
            let entries = match self.provisions.storage.scan(&prefix, behind, batch).await {
                Ok(entries) => entries,
                Err(fault) => return answer(Err(fault)),
            };
            for entry in &entries {
                let rest = bytes_left.checked_sub(entry_bytes(entry.key.len(), entry.value.len()));
                let too_much = CallError::ScanLimit { limit_bytes: bytes_max as u64 };
                bytes_left = rest.ok_or(EndCall(too_much))?;
            }
            let is_last = entries.len() < batch as usize;
            found.extend(entries);
            if is_last {
                break;
            }
            left -= batch;
        }
        Ok(Ok(found))
    }

    async fn commit(&mut self, writes: Vec<Write>) -> Result<Result<u64, StorageError>> {
        let key_twice = match check_commit(&writes) {
            Ok(()) => None,
            Err(Malformed::Quota(quota)) => return Ok(Err(StorageError::QuotaExceeded(quota))),
            // Reported only after the search: the error quotes the guest's key.
            Err(Malformed::KeyTwice(key)) => Some(key),
        };
        let gate = &self.provisions.gate;
        for Write { key, value, .. } in &writes {
            let value = value.as_deref().unwrap_or_default();
            if gate.finds_key(key.as_bytes()) || gate.finds_key_yielding(value).await {
                return Err(EndCall(CallError::CredentialExposed("a write to storage".to_owned())).into());
            }
        }
        if let Some(key) = key_twice {
            return Err(breach(format!("storage.commit: the key {key:?} appears twice")));
        }
        answer(self.provisions.storage.commit(writes).await)
    }
}

impl log::Host for CallCtx {
    async fn write(&mut self, level: Level, message: String, fields: Vec<Field>) -> Result<()> {
        if !self.log_quota.takes(&message, &fields) {
            return Ok(());
        }
        let gate = &self.provisions.gate;
        let exposed = gate.finds_key(message.as_bytes())
            || fields
                .iter()
                .any(|field| gate.finds_key(field.name.as_bytes()) || gate.finds_key(field.value.as_bytes()));
        let (level, message, fields) = if exposed { withheld() } else { (level, message, fields) };
        self.record.log(level, message, fields);
        Ok(())
    }
}

/// The platform's answer as the bindings need it: for the guest, or the end of the call.
fn answer<T, E>(answer: std::result::Result<T, Fault<E>>) -> Result<std::result::Result<T, E>> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(Fault::Answer(error)) => Ok(Err(error)),
        Err(Fault::Abort(reason)) => Err(EndCall(CallError::Aborted(reason)).into()),
    }
}

/// Whether the guest passed more in one call than it may. The engine has no public type for this error, so its text
/// decides; a test pins the text.
pub(super) fn is_hostcall_limit(error: &Error) -> bool {
    error.root_cause().to_string().contains("fuel allocated for hostcalls has been exhausted")
}

/// The guest asked for something that the contract rules out.
fn breach(message: String) -> Error {
    EndCall(CallError::Trapped { message: format!("it broke the contract: {message}"), panic: None }).into()
}
