//! Whether a member may enter now, and if not, why. One decision for `access.explain`, the list of doors, opening a door
//! and logins. Pure; `exports/access.rs` gathers the facts.

use crate::contract::access::{Cause, Device, Remedy, Verdict};
use crate::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Reason, Timestamp};
use crate::entitlement::{Desired, Withheld, earliest};
use crate::explain;
use crate::id::{DoorId, GroupId, UserId};
use crate::identity::address;
use crate::kisi::role_assignments::RoleAssignment;
use crate::kisi::users::{Invitation, Presence};
use crate::ledger::{Account, Hold, Record, State};
use crate::mapping::Mappings;
use crate::reconcile::entitled;
use crate::settings::{MissingUser, Settings};
use crate::tenant::{Group, Groups};
use crate::window::Window;

/// The inputs of the decision.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The member in the directory.
    pub member: Option<&'a Member>,
    /// The member's record.
    pub record: &'a Record,
    /// Another member has an account with this member's e-mail address.
    pub email_is_anothers: bool,
    /// The groups at the last refresh, with their doors.
    pub groups: &'a Groups,
    /// Which plan opens which groups.
    pub mappings: &'a Mappings,
    /// The gym's settings.
    pub settings: &'a Settings,
    /// The installation is paused until a person acts.
    pub is_paused: bool,
    /// What was read from Kisi, if anything.
    pub seen: Option<&'a Seen>,
    /// The phone's state, as far as known.
    pub device: Device,
    /// The time.
    pub now: Timestamp,
}

/// What was read from Kisi about a member's user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The user that was read.
    pub user: UserId,
    /// The user's state; absent when Kisi no longer has the user.
    pub presence: Option<Presence>,
    /// All their role assignments.
    pub rows: Vec<RoleAssignment>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The short answer.
    pub verdict: Verdict,
    /// The groups that the member is in now and that memberships give.
    pub open: Vec<(GroupId, Window)>,
    /// The doors that the app opens.
    pub doors: Vec<DoorId>,
    /// What keeps something shut, or may; the most important first.
    pub alerts: Vec<Alert>,
}

/// A reason why something stays shut, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Whether it keeps something from opening.
    pub hinders: bool,
    /// Why.
    pub cause: Cause,
    /// The membership it is about.
    pub membership: Option<String>,
    /// The group it is about.
    pub group: Option<GroupId>,
    /// The moment it is about, for example the end of a freeze.
    pub at: Option<Timestamp>,
    /// The sentence for the front desk; empty for the cause's own sentence.
    pub for_staff: String,
    /// The remedy, where it differs from the cause's own.
    pub remedy: Option<Remedy>,
}

impl Alert {
    /// An alert without details.
    pub fn new(hinders: bool, cause: Cause) -> Alert {
        let (membership, group, at, for_staff, remedy) = (None, None, None, String::new(), None);
        Alert { hinders, cause, membership, group, at, for_staff, remedy }
    }
}

/// Decides whether the member may enter.
pub fn access(facts: &Facts) -> Access {
    let mut case = Case { facts, alerts: Vec::new(), open: Vec::new() };
    let current = case.memberships();
    case.differs(&current);
    case.held(&current);
    let doors = case.doors();
    if let Some(member) = facts.member.filter(|member| member.status == MemberStatus::Active) {
        case.phone(member);
    }
    if facts.is_paused {
        case.alerts.push(Alert::new(false, Cause::ProviderPaused));
    }
    let Case { mut alerts, open, .. } = case;
    alerts.sort_by_key(|alert| (!alert.hinders, alert.cause as u8));
    let opens = facts.groups.groups.iter().any(|group| group.doors > 0 && is_among(&open, group.id));
    let verdict = match alerts.first() {
        _ if !opens => Verdict::No,
        Some(Alert { hinders: true, .. }) => Verdict::Limited,
        _ => Verdict::Yes,
    };
    Access { verdict, open, doors, alerts }
}

impl Access {
    /// Why this door must not be opened for the member with the gym's key; absent when it may be.
    pub fn refuses(&self, facts: &Facts, door: DoorId) -> Option<Alert> {
        let mut cause = Cause::OtherDoor;
        for group in &facts.groups.groups {
            if group.app_access && group.door_ids.contains(&door) && is_among(&self.open, group.id) {
                if !group.restricted {
                    return None;
                }
                cause = Cause::Restricted;
            }
        }
        // A reason that keeps every door shut says more than this door's.
        let every = self.alerts.first().filter(|_| self.verdict == Verdict::No);
        Some(every.cloned().unwrap_or_else(|| Alert::new(true, cause)))
    }
}

/// The member's account, unless the member's address has changed.
pub fn current<'a>(record: &'a Record, member: &Member) -> Option<&'a Account> {
    let email = address(member.email.as_deref());
    record.account.as_ref().filter(|account| Some(&account.email) == email.as_ref())
}

/// A decision in progress.
struct Case<'a> {
    facts: &'a Facts<'a>,
    alerts: Vec<Alert>,
    open: Vec<(GroupId, Window)>,
}

impl Case<'_> {
    fn of_group(&mut self, hinders: bool, cause: Cause, group: GroupId, for_staff: String) {
        self.alerts.push(Alert { group: Some(group), for_staff, ..Alert::new(hinders, cause) });
    }

    /// What memberships give now, with an alert for everything that they or the member's data withhold.
    fn memberships(&mut self) -> Vec<Desired> {
        let Facts { member, mappings, settings, now, .. } = *self.facts;
        let mut entitled = entitled(member, mappings, settings, now);
        let memberships = member.map(|member| member.memberships.as_slice()).unwrap_or_default();
        let of = |withheld: &Withheld| {
            memberships.iter().find(|membership| Some(&membership.id) == withheld.membership.as_ref())
        };
        // A membership is reported if it would give a group that the member does not have.
        let would_give = |membership: &Membership| {
            mappings.groups_of(membership).iter().any(|&group| {
                let given = entitled.desired(group).is_some_and(|desired| desired.window.contains(now));
                !given && !mappings.is_deleted(group)
            })
        };
        let is_over = |membership: &Membership| {
            matches!(membership.status, MembershipStatus::Cancelled | MembershipStatus::Expired)
        };
        let mut told: Vec<&Withheld> = Vec::new();
        let mut ended: Option<&Withheld> = None;
        let mut without: Option<&Withheld> = None;
        for withheld in &entitled.withheld {
            let membership = of(withheld);
            match withheld.reason {
                Reason::Cancelled | Reason::Expired => {
                    ended = ended.filter(|last| last.at > withheld.at).or(Some(withheld));
                }
                Reason::PlanWithoutAccess => {
                    without = without.or(Some(withheld).filter(|_| !membership.is_some_and(is_over)));
                }
                Reason::PaymentOverdue | Reason::Frozen | Reason::NotStarted
                    if !membership.is_some_and(would_give) => {}
                // The membership gives nothing anyway.
                Reason::GroupDeleted
                    if entitled.withheld.iter().any(|other| {
                        other.membership == withheld.membership
                            && !matches!(other.reason, Reason::GroupDeleted | Reason::NotStarted)
                    }) => {}
                _ => told.push(withheld),
            }
        }
        let nothing = Withheld::member(Reason::NoMembership);
        if told.is_empty() && entitled.groups.is_empty() {
            told.extend(ended);
            told.extend(without);
            if told.is_empty() {
                told.push(&nothing);
            }
        }
        for withheld in told {
            self.withheld(withheld);
        }
        if let (Some(member), false) = (member, entitled.groups.is_empty()) {
            let reason = match address(member.email.as_deref()) {
                None => Some(Reason::MissingEmail),
                Some(_) => self.facts.email_is_anothers.then_some(Reason::EmailInUse),
            };
            if let Some(reason) = reason {
                entitled.groups.clear();
                self.withheld(&Withheld::member(reason));
            }
        }
        entitled.groups.retain(|desired| desired.window.contains(now));
        for desired in &entitled.groups {
            let membership = Some(desired.membership.clone());
            let is_told = self.alerts.iter().any(|alert| alert.membership == membership && !alert.hinders);
            if desired.reason == Reason::PaymentOverdue && !is_told {
                let at = desired.window.ends_at;
                self.alerts.push(Alert { membership, at, ..Alert::new(false, Cause::PaymentMissed) });
            }
        }
        entitled.groups
    }

    fn withheld(&mut self, withheld: &Withheld) {
        self.alerts.push(Alert {
            membership: withheld.membership.clone(),
            group: withheld.group,
            at: withheld.at,
            for_staff: explain::refusal(withheld, self.facts.mappings).explanation,
            ..Alert::new(true, explain::alert::cause_of(withheld.reason))
        });
    }

    /// Differences between Kisi and the record.
    fn differs(&mut self, current: &[Desired]) {
        let Facts { record, mappings, now, .. } = *self.facts;
        let Some(seen) = self.facts.seen else { return };
        let cause = Cause::ProviderDiffers;
        let (account, remedy) = match &seen.presence {
            // A missing account without grants takes nothing from the member.
            None if current.is_empty() && record.holds.is_empty() => return,
            None if self.facts.settings.missing_user == MissingUser::Report => return self.no_account(true),
            None => (
                "Kisi no longer has the member's account: the next sync creates it again for what memberships give.",
                None,
            ),
            Some(Presence { is_suspended: true, .. }) => (
                "The account is suspended in Kisi, so no door opens: turn its access on there.",
                Some(Remedy::AskAdministrator),
            ),
            Some(_) => ("", None),
        };
        if !account.is_empty() {
            self.alerts.push(Alert { for_staff: account.to_string(), remedy, ..Alert::new(true, cause) });
            if seen.presence.is_none() {
                return;
            }
        }
        for hold in record.holds.iter().filter(|hold| hold.user == seen.user) {
            let Some(assignment) = hold.assignment() else { continue };
            let text = match seen.rows.iter().find(|row| row.id == assignment) {
                None => explain::dropped(hold, mappings).explanation,
                Some(row) if !row.window().same_from(&hold.window, now) => {
                    explain::dates_changed(&mappings.group_ref(hold.group))
                }
                Some(_) => continue,
            };
            let is_current = current.iter().any(|desired| desired.group == hold.group);
            let is_lost = is_current && self.window_in(hold.group).is_none();
            self.of_group(is_lost, cause, hold.group, text);
        }
        for row in &seen.rows {
            let Some(group) = row.group().filter(|&group| mappings.knows(group)) else { continue };
            let is_known = record.holds.iter().any(|hold| hold.assignment() == Some(row.id))
                || (!row.is_plain() && record.elevated.iter().any(|elevated| elevated.group == group));
            if !is_known {
                let name = mappings.group_ref(group);
                let text = if row.is_plain() {
                    explain::unknown(&name)
                } else {
                    explain::elevated(&name.name, &row.role_id)
                };
                self.of_group(false, cause, group, text);
            }
        }
    }

    /// Which groups are open, and which should be.
    fn held(&mut self, current: &[Desired]) {
        let Facts { record, .. } = *self.facts;
        for desired in current {
            if let Some(window) = self.window_in(desired.group) {
                // The plugin extends leases in time, so a lease's end is not the access's end.
                let ends_at = if desired.lease_ms > 0 && desired.is_met_by(&window, self.facts.now) {
                    desired.window.ends_at
                } else {
                    earliest(window.ends_at, desired.window.ends_at)
                };
                self.open.push((desired.group, Window { ends_at, ..window }));
            } else if record.account.is_none() && record.holds.is_empty() {
                return self.no_account(true);
            } else if self.facts.seen.is_none()
                || record.holds.iter().all(|hold| !is_held(hold, desired.group))
            {
                self.of_group(true, Cause::NotYetInProvider, desired.group, String::new());
            }
        }
    }

    /// Adds that Kisi has no account for the member, who may still have grants through an old one.
    fn no_account(&mut self, hinders: bool) {
        let cause = match self.facts.settings.missing_user {
            MissingUser::Report => Cause::NoAccount,
            MissingUser::Create => Cause::NotYetInProvider,
        };
        self.alerts.push(Alert::new(hinders, cause));
    }

    /// The window in which the member is in a group now: from Kisi where it was read, otherwise from the record.
    fn window_in(&self, group: GroupId) -> Option<Window> {
        let Facts { record, seen, now, .. } = *self.facts;
        let is_unseen = |user: UserId| seen.is_none_or(|seen| seen.user != user);
        let rows: &[RoleAssignment] = match seen {
            Some(Seen { presence: Some(Presence { is_suspended: false, .. }), rows, .. }) => rows,
            _ => &[],
        };
        let holds = record.holds.iter().filter(|hold| is_held(hold, group) && is_unseen(hold.user));
        let mut windows = holds
            .map(|hold| hold.window)
            .chain(rows.iter().filter(|row| row.group() == Some(group)).map(RoleAssignment::window));
        let elevated = record.elevated.iter().any(|one| one.group == group && is_unseen(one.user));
        windows.find(|window| window.contains(now)).or(elevated.then(Window::default))
    }

    /// The doors that the app opens, with an alert for each group that opens none.
    fn doors(&mut self) -> Vec<DoorId> {
        let open = |group: &&Group| is_among(&self.open, group.id);
        let groups: Vec<&Group> = self.facts.groups.groups.iter().filter(open).collect();
        let mut doors: Vec<DoorId> = Vec::new();
        for group in groups.iter().filter(|group| group.app_access) {
            for &door in &group.door_ids {
                if !doors.contains(&door) {
                    doors.push(door);
                }
            }
        }
        for group in groups {
            let (hinders, cause) = if group.doors == 0 {
                (doors.is_empty(), Cause::GroupWithoutDoors)
            } else if !group.app_access {
                let all = group.door_ids.iter().all(|door| doors.contains(door));
                (group.door_ids.is_empty() || !all, Cause::AppAccessOff)
            } else {
                continue;
            };
            self.of_group(hinders, cause, group.id, String::new());
        }
        doors
    }

    /// Adds what keeps the phone from opening doors.
    fn phone(&mut self, member: &Member) {
        let Facts { record, settings, seen, device, .. } = *self.facts;
        let account = current(record, member);
        if account.is_none() && !self.open.is_empty() {
            self.no_account(false);
        }
        let has_entered = seen.and_then(|seen| seen.presence.as_ref()).map(|presence| presence.has_entered);
        let is_invited = settings.invitation == Invitation::KisiMail
            && account.is_some_and(|account| account.name.is_some())
            && has_entered != Some(true);
        let is_off = |is_on: Option<bool>| is_on == Some(false);
        let is_signed_out = is_off(device.signed_in);
        let unasked = device.signed_in.is_none() && has_entered.is_some();
        for (is_so, hinders, cause) in [
            (is_invited && (is_signed_out || unasked), is_signed_out, Cause::InvitationPending),
            (is_signed_out && !is_invited, true, Cause::AppSignedOut),
            (is_off(device.bluetooth), true, Cause::BluetoothOff),
            (is_off(device.location), true, Cause::LocationOff),
        ] {
            if is_so {
                self.alerts.push(Alert::new(hinders, cause));
            }
        }
    }
}

fn is_among(open: &[(GroupId, Window)], group: GroupId) -> bool {
    open.iter().any(|(open, _)| *open == group)
}

fn is_held(hold: &Hold, group: GroupId) -> bool {
    hold.group == group && matches!(hold.state, State::Held { .. } | State::Adjusting { .. })
}

#[cfg(test)]
mod tests;
