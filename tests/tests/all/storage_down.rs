//! Storage that fails for a moment while everybody is compared: what is reported in the end is what is reported without.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use door_access_host::contract::storage::{Entry, StorageError, Write};
use door_access_host::contract::sync::{Counts, Mode, Phase};
use door_access_host::contract::types::{Demand, MembershipStatus};
use door_access_host::{Fault, MemoryStorage, Storage, Tenant};
use kisi_sim::Knobs;

use crate::world::{Arm, SETTINGS, World, member, membership};

const MEMBERS: usize = 9;

/// When a commit fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fails {
    Before,
    /// It is carried out, and nobody hears of it.
    After,
}

/// The world's storage, one commit of which fails.
struct Flaky {
    storage: Arc<MemoryStorage>,
    /// How many commits go well before, and how the next one fails.
    fails: Mutex<Option<(usize, Fails)>>,
}

impl Flaky {
    /// How this commit fails, if it does.
    fn next(&self) -> Option<Fails> {
        let mut fails = self.fails.lock().unwrap();
        let (left, how) = fails.take()?;
        if left > 0 {
            *fails = Some((left - 1, how));
            return None;
        }
        Some(how)
    }
}

#[async_trait]
impl Storage for Flaky {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Fault<StorageError>> {
        self.storage.get(key).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Entry>, Fault<StorageError>> {
        self.storage.scan(prefix, after, limit).await
    }

    async fn commit(&self, writes: Vec<Write>) -> Result<u64, Fault<StorageError>> {
        let fails = self.next();
        if fails != Some(Fails::Before) {
            let committed = self.storage.commit(writes).await;
            if fails.is_none() {
                return committed;
            }
        }
        Err(StorageError::Unavailable("storage is down".to_string()).into())
    }
}

/// A gym where, behind the plugin's back, one was removed, one was added, one left, one bought more and one came.
fn world() -> World {
    let mapping: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, mapping);
    for number in 0..MEMBERS {
        world
            .directory
            .insert(member(&format!("m-{number}"), vec![membership(&format!("ms-{number}"), "basic")]));
    }
    sync(&world, world.tenant());
    let state = world.sim.state();
    let user = |number: usize| state.user_by_email(&format!("m-{number}@gym.test")).unwrap().id;
    world.sim.unassign(state.role_assignments_of(user(1)).next().unwrap().id);
    world.sim.assign(user(2), state.group_by_name("Spa").unwrap().id, "group_basic");
    world.directory.update("m-3", |one| one.memberships[0].status = MembershipStatus::Cancelled);
    world.directory.update("m-4", |one| one.memberships[0].plan = "gold".to_string());
    world.directory.insert(member("m-9", vec![membership("ms-9", "gold")]));
    world
}

/// Reconciles everybody in steps of four requests, and returns the counts and every line of the report, in order.
fn sync(world: &World, tenant: &Tenant) -> (Counts, Vec<String>) {
    let job = loop {
        match world.runtime.block_on(tenant.start_sync(Mode::Apply)).unwrap() {
            Ok(job) => break job,
            Err(error) => assert!(matches!(error.demand, Demand::Retry(_)), "{error:?}"),
        }
    };
    let mut told = Vec::new();
    for _ in 0..100 {
        match world.runtime.block_on(tenant.step_sync(&job, 4)).unwrap() {
            Ok(stepped) => {
                told.extend(stepped.findings.iter().map(|finding| {
                    format!("{:?} {:?} {}", finding.kind, finding.member, finding.explanation)
                }));
                if stepped.progress.phase == Phase::Done {
                    told.sort();
                    // What was done and could not be noted is done again, and told again.
                    told.dedup();
                    // How many requests were sent is another matter: what is not known to be done is looked at.
                    return (Counts { calls: 0, ..stepped.progress.counts }, told);
                }
            }
            Err(error) => assert!(matches!(error.demand, Demand::Retry(_)), "{error:?}"),
        }
    }
    panic!("the reconciliation does not end");
}

#[test]
fn a_commit_that_fails_anywhere_in_a_sync_changes_neither_its_report_nor_what_comes_of_it() {
    let undisturbed = world();
    let (counts, told) = sync(&undisturbed, undisturbed.tenant());
    assert_eq!((counts.drifted, counts.unmanaged, counts.failures), (1, 1, 0), "{told:?}");
    for how in [Fails::Before, Fails::After] {
        for number in 0.. {
            let world = world();
            let fails = Mutex::new(Some((number, how)));
            let flaky = Arc::new(Flaky { storage: world.storage.clone(), fails });
            let tenant = world.tenant_on(flaky.clone(), &world.sim.key());
            let (counts_now, told_now) = sync(&world, &tenant);
            assert_eq!(told_now, told, "commit {number} fails {how:?}");
            assert_eq!(counts_now, counts, "commit {number} fails {how:?}");
            assert_eq!(world.people(), undisturbed.people(), "commit {number} fails {how:?}");
            if flaky.fails.lock().unwrap().is_some() {
                assert!(number > 15, "only {number} commits");
                break;
            }
        }
    }
}
