//! Starts, steps and ends syncs of all members.

use crate::contract::sync::{Mode, Progress, Stepped};
use crate::host::Host;
use crate::kisi::Budget;
use crate::stop::{Stop, reject};
use crate::sync::{self, CALLS_MAX, CALLS_MIN, Job, Phase, no_such_job, progress};
use crate::tenant::{self, Tenant, Versioned};

/// See `sync.start`.
pub fn start(host: &dyn Host, mode: Mode) -> Result<String, Stop> {
    let tenant = Tenant::load(host)?;
    let before = tenant::job(host)?;
    if let Some(job) = before.as_ref().filter(|job| job.value.is_under_way()) {
        return Ok(job.value.id.clone());
    }
    // Remains of a cancelled job must not count as this one's.
    while !sync::kept::clean(host)? {}
    let mappings = &tenant.mappings.value;
    let groups = mappings.groups.iter().filter(|group| !group.deleted).map(|group| group.id).collect();
    let job = Job::new(mode == Mode::Preview, groups, mappings.fingerprint(), host.now());
    let mut job = tenant::new_job(job, before);
    job.save(host)?;
    Ok(job.value.id)
}

/// See `sync.step`.
pub fn step(host: &dyn Host, id: &str, calls: u32) -> Result<Stepped, Stop> {
    let tenant = Tenant::load(host)?;
    let job = load(host, id)?;
    sync::step(host, tenant, job, &Budget::of(calls.clamp(CALLS_MIN, CALLS_MAX)))
}

/// See `sync.status`.
pub fn status(host: &dyn Host) -> Result<Option<Progress>, Stop> {
    Ok(tenant::job(host)?.map(|job| progress(&job.value)))
}

/// See `sync.confirm`.
pub fn confirm(host: &dyn Host, id: &str) -> Result<(), Stop> {
    let mut job = load(host, id)?;
    if job.value.phase != Phase::Waiting {
        return Err(reject("This reconciliation does not wait for anything.", None));
    }
    job.value.phase = Phase::Users;
    job.save(host)
}

/// See `sync.cancel`.
pub fn cancel(host: &dyn Host, id: &str) -> Result<(), Stop> {
    let mut job = load(host, id)?;
    if job.value.is_under_way() {
        job.value.cancel(host.now());
        job.save(host)?;
        while !sync::kept::clean(host)? {}
    }
    Ok(())
}

pub(super) fn load(host: &dyn Host, id: &str) -> Result<Versioned<Job>, Stop> {
    tenant::job(host)?.filter(|job| job.value.id == id).ok_or_else(|| no_such_job(id))
}
