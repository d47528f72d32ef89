//! Storage that fails once during a sync changes neither the report nor the result.

use door_access_host::contract::sync::{Counts, Mode, Phase};
use door_access_host::contract::types::{Demand, MembershipStatus};
use door_access_testkit::{At, Effect, Fault, World, member, membership};

/// A gym in which, without the plugin, one member was removed and one added, one cancelled, one bought more and one joined.
fn changed_gym() -> World {
    let one =
        |number: usize| member(&format!("m-{number}"), vec![membership(&format!("ms-{number}"), "basic")]);
    let world = World::gym((0..9).map(one).collect());
    sync(&world);
    world.unassign_first("m-1@gym.test");
    world.by_hand("m-2@gym.test", &["Spa"]);
    world.directory.update("m-3", |one| one.memberships[0].status = MembershipStatus::Cancelled);
    world.directory.update("m-4", |one| one.memberships[0].plan = "gold".to_string());
    world.directory.insert(member("m-9", vec![membership("ms-9", "gold")]));
    world
}

/// Runs a sync in steps of four requests, and returns the counts and every finding in order.
fn sync(world: &World) -> (Counts, Vec<String>) {
    let job = loop {
        match world.answer(world.tenant().start_sync(Mode::Apply)) {
            Ok(job) => break job,
            Err(error) => assert!(matches!(error.demand, Demand::Retry(_)), "{error:?}"),
        }
    };
    let mut told = Vec::new();
    for _ in 0..100 {
        match world.step_sync(&job, 4) {
            Ok(stepped) => {
                told.extend(stepped.findings.iter().map(|finding| {
                    format!("{:?} {:?} {}", finding.kind, finding.member, finding.explanation)
                }));
                if stepped.progress.phase == Phase::Done {
                    told.sort();
                    // A change that could not be stored is made again, and reported again.
                    told.dedup();
                    // The number of requests may differ: an uncertain change is read.
                    return (Counts { calls: 0, ..stepped.progress.counts }, told);
                }
            }
            Err(error) => assert!(matches!(error.demand, Demand::Retry(_)), "{error:?}"),
        }
    }
    panic!("the sync does not end");
}

#[test]
fn a_commit_that_fails_anywhere_in_a_sync_changes_neither_its_report_nor_its_result() {
    let undisturbed = changed_gym();
    let (counts, told) = sync(&undisturbed);
    assert_eq!((counts.drifted, counts.unmanaged, counts.failures), (1, 1, 0), "{told:?}");
    for effect in [Effect::Unavailable, Effect::UnavailableAfterCommit] {
        for number in 0.. {
            let world = changed_gym();
            world.boundary.plan(&[Fault { at: At::Commit(number), effect }]);
            assert_eq!(sync(&world), (counts, told.clone()), "commit {number}, {effect:?}");
            assert_eq!(world.people(), undisturbed.people(), "commit {number}, {effect:?}");
            if world.boundary.injected().is_empty() {
                assert!(number > 15, "only {number} commits");
                break;
            }
        }
    }
}
