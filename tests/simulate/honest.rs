//! Checks that the front desk reads about each member at rest what the judge sees: who enters, through which doors, and
//! why not.

use std::collections::BTreeSet;

use door_access_host::contract::access::{Cause, Explanation, Verdict};
use door_access_host::contract::types::{Member, MemberStatus};
use door_access_testkit::NO_DEVICE;
use kisi_sim::{Simulator, Snapshot};

use super::gym::{Ended, Gym};
use super::history::MEMBERS;

impl Gym {
    /// Asks about every member, from the records alone and with Kisi read.
    pub(crate) async fn explains_truly(&mut self, sim: &Simulator) {
        let members = self.world.directory.members();
        for who in 0..MEMBERS {
            let id = self.id(who);
            let member = members.iter().find(|member| member.id == id);
            for verify in [false, true] {
                let asked = self.world.tenant().explain(&id, NO_DEVICE, verify).await;
                let said = match self.ended(asked) {
                    Ended::Done(said) => said,
                    Ended::Refused(why) => {
                        self.wrong(format!("honest: {id} is not explained: {why}"));
                        continue;
                    }
                    _ => {
                        self.wrong(format!("honest: {id} is not explained though all is well"));
                        continue;
                    }
                };
                let wrong = self.untrue(&sim.state(), &members, member, &said, verify);
                for wrong in wrong {
                    self.wrong(format!(
                        "honest: {id} ({}): {wrong}",
                        if verify { "verified" } else { "known" }
                    ));
                }
            }
        }
    }

    fn untrue(
        &self,
        kisi: &Snapshot,
        members: &[Member],
        member: Option<&Member>,
        said: &Explanation,
        verify: bool,
    ) -> Vec<String> {
        let mut wrong = Vec::new();
        let causes: Vec<Cause> = said.alerts.iter().map(|alert| alert.reason.cause).collect();
        let mut check = |holds: bool, what: &str| {
            if !holds {
                wrong.push(format!("{what}: {:?}, {causes:?}", said.verdict));
            }
        };
        let has_words = |text: &str| !text.trim().is_empty();
        let are_told = said
            .alerts
            .iter()
            .all(|alert| has_words(&alert.reason.for_member) && has_words(&alert.reason.for_staff));
        check(are_told, "a reason without words");
        check(said.verdict == Verdict::Yes || !causes.is_empty(), "no reason");
        check(
            (said.verdict == Verdict::No) == said.doors.is_empty(),
            "the doors are others than the verdict says",
        );
        let Some(member) = member else {
            check(causes.first() == Some(&Cause::UnknownMember), "the member is unknown");
            check(said.groups.is_empty(), "the member is unknown and has groups");
            return wrong;
        };
        if member.status == MemberStatus::Blocked {
            check(causes.first() == Some(&Cause::Blocked), "the member is blocked");
            check(said.groups.is_empty(), "the member is blocked and has groups");
            return wrong;
        }
        let state = self.watch.state();
        let Some(entered) = state.case.enters(members, member, kisi) else { return wrong };
        let told: BTreeSet<u64> =
            said.groups.iter().filter_map(|grant| grant.group.id.parse().ok()).collect();
        check(told.is_subset(&entered.groups), "a group that the member is not in, or not by a membership");
        let doors: BTreeSet<u64> = said.doors.iter().filter_map(|door| door.id.parse().ok()).collect();
        let locks = |groups: &BTreeSet<u64>| -> BTreeSet<u64> {
            let of_groups = kisi.group_locks.iter().filter(|lock| groups.contains(&lock.group_id));
            of_groups.map(|lock| lock.lock_id).collect()
        };
        check(doors == locks(&told), "other doors than those of the groups");
        if entered.by_us_alone {
            check(told == entered.groups, "not every group that the member enters");
            check(!verify || !causes.contains(&Cause::ProviderDiffers), "Kisi is said to differ");
        }
        wrong
    }
}
