//! What people do: members and a gym on the platform, staff in Kisi.

use std::collections::BTreeSet;

use door_access_host::Storage;
use door_access_host::contract::storage::{Precondition, Write};
use door_access_host::contract::types::{MemberStatus, Membership, MembershipStatus, Payment};
use door_access_testkit::{DAY, HOUR};
use kisi_sim::{Hand, RoleAssignment, Simulator, User};

use super::gym::Gym;
use super::history::{Change, GROUPS, Given, PLANS, Spelling, Staff, What};
use super::judge::{PLAIN, normal};

/// Rows in a page of a group's members.
const PAGE: usize = 250;

impl Gym {
    pub(crate) fn platform(&mut self, what: &What, now: u64) {
        let number = self.memberships;
        let who = match what {
            What::Buy { who, .. }
            | What::Change { who, .. }
            | What::Replace { who, .. }
            | What::Block { who, .. }
            | What::Email { who, .. }
            | What::Rename { who, .. }
            | What::Delete { who } => *who,
            _ => return,
        };
        let id = self.id(who);
        let in_hours = |hours: i64| now.saturating_add_signed(hours * 3_600_000);
        let directory = &self.world.directory;
        match what {
            What::Buy { plan, starts_in_hours, lasts_hours, .. } => {
                let starts_at = in_hours(*starts_in_hours);
                let membership = Membership {
                    starts_at: (*starts_in_hours != 0).then_some(starts_at),
                    ends_at: lasts_hours.map(|hours| starts_at + hours * HOUR),
                    ..door_access_testkit::membership(&format!("ms-{number}"), PLANS[*plan])
                };
                self.memberships += 1;
                directory.update(&id, |member| member.memberships.push(membership));
            }
            What::Change { nth, how, .. } => {
                directory.update(&id, |member| {
                    let count = member.memberships.len().max(1);
                    if let Some(membership) = member.memberships.get_mut(nth % count) {
                        change(membership, *how, now);
                    }
                });
            }
            What::Replace { memberships, .. } => {
                let memberships: Vec<Membership> = (number..)
                    .zip(memberships)
                    .map(|(number, given)| membership(given, number, now))
                    .collect();
                self.memberships += memberships.len();
                directory.update(&id, |member| member.memberships = memberships);
            }
            What::Block { blocked, .. } => {
                let status = if *blocked { MemberStatus::Blocked } else { MemberStatus::Active };
                directory.update(&id, |member| member.status = status);
            }
            What::Email { email, spelling, .. } => {
                let email = email.map(|email| {
                    let plain = self.email(email);
                    match spelling {
                        Spelling::Plain => plain,
                        Spelling::Upper => plain.to_uppercase(),
                        Spelling::Blanks => format!(" {plain} "),
                    }
                });
                directory.update(&id, |member| member.email = email);
            }
            What::Rename { name, .. } => {
                directory.update(&id, |member| member.name = format!("Person {who} the {name}"));
            }
            What::Delete { .. } => {
                directory.remove(&id);
            }
            _ => {}
        }
        self.changes(who);
    }

    /// The platform shows only some of its members from now on.
    pub(crate) fn vanish(&mut self, keep: usize) {
        let members = self.world.directory.members();
        for member in members.into_iter().skip(keep) {
            self.world.directory.remove(&member.id);
            self.watch.state().case.gone_ever.insert(member.id.clone());
            self.vanished.push(member);
        }
    }

    /// The platform shows all members again.
    pub(crate) fn come_back(&mut self) {
        for member in self.vanished.drain(..) {
            self.world.directory.insert(member);
        }
    }

    /// The platform shows other people's addresses for its members from now on.
    pub(crate) fn readdress(&mut self, sim: &Simulator) {
        let kisi = sim.state();
        self.readdressed.clear();
        for mut member in self.world.directory.members() {
            let Some(email) = member.email.as_deref().map(normal) else { continue };
            let mut state = self.watch.state();
            // A member who already moves to another account loses the old one for that reason.
            let elsewhere = |row: &&RoleAssignment| {
                let is_here = |user: &User| user.id == row.assignee_id && normal(&user.email) == email;
                state.case.is_of(row, &member.id, &kisi) && !kisi.users.iter().any(is_here)
            };
            let is_settled =
                !state.case.is_shared(&member.id) && !kisi.role_assignments.iter().any(|row| elsewhere(&row));
            member.email = Some(format!("{}-{}@elsewhere.test", member.id, self.memberships));
            state.case.note(&member);
            drop(state);
            if is_settled {
                self.readdressed.insert(member.id.clone());
            }
            self.world.directory.insert(member);
        }
        self.memberships += 1;
    }

    /// Damages a member's record in the plugin's storage. The plugin then cannot know which assignments it made, so it
    /// must treat them all as manual access and leave those that no membership includes.
    pub(crate) async fn damage(&mut self, sim: &Simulator, who: usize) {
        let key = format!("member/{}", self.id(who));
        if self.world.storage.entries().iter().all(|entry| entry.key != key) {
            return;
        }
        let write = Write { key, value: Some(b"{\"account\":".to_vec()), requires: Precondition::None };
        self.world.storage.commit(vec![write]).await.expect("storage has room");
        let kisi = sim.state();
        let mut state = self.watch.state();
        let id = self.id(who);
        let own = state.case.emails_ever.get(&id).cloned().unwrap_or_default();
        let users: BTreeSet<u64> =
            kisi.users.iter().filter(|user| own.contains(&normal(&user.email))).map(|user| user.id).collect();
        let rows = kisi.role_assignments.iter().filter(|row| users.contains(&row.assignee_id));
        state.case.by_hand.extend(rows.map(|row| row.id));
        state.case.gone_ever.insert(id);
    }

    /// Staff adds a user.
    fn add_user(&self, sim: &Simulator, name: String, email: String) -> u64 {
        let mut state = self.watch.state();
        let hand = Hand::AddUser { name, email, organization_id: Some(state.case.organization) };
        let user = sim.hand(hand).expect("a user").id.expect("an id");
        state.case.users_ever.insert(user);
        state.case.users_by_hand.insert(user);
        user
    }

    pub(crate) fn staff(&mut self, sim: &Simulator, staff: &Staff) {
        self.staff_acted = true;
        let state = sim.state();
        let organization = self.watch.state().case.organization;
        let is_here = |id: u64| id == organization;
        match staff {
            Staff::Invite { person } => {
                let email = self.email(*person);
                if state.user_by_email(&email).is_none() {
                    self.add_user(sim, format!("By hand {person}"), email);
                }
            }
            Staff::Assign { person, group, elevated, lasts_hours } => {
                let email = self.email(*person);
                let user = match state.user_by_email(&email) {
                    Some(user) => user.id,
                    None => self.add_user(sim, format!("By hand {person}"), email),
                };
                let group = self.groups[*group];
                let role = if *elevated { "group_manager" } else { "group_basic" };
                let has_one = state.role_assignments_of(user).any(|row| row.applies_to_id == group);
                let exists = state.groups.iter().any(|one| one.id == group);
                if has_one || !exists {
                    return;
                }
                let hand = Hand::Assign {
                    user_id: user,
                    group_id: group,
                    role: role.to_string(),
                    valid_from: None,
                    valid_until: lasts_hours.map(|hours| sim.now_ms() + hours * HOUR),
                };
                let id = sim.hand(hand).expect("an assignment").id.expect("an id");
                let row =
                    sim.state().role_assignments.into_iter().find(|row| row.id == id).expect("it is there");
                let mut state = self.watch.state();
                state.case.by_hand.insert(id);
                state.case.users_ever.insert(user);
                if *elevated { state.case.elevated.push(row) } else { state.case.of_strangers.push(row) }
            }
            Staff::Unassign { nth } => {
                let rows: Vec<RoleAssignment> = state
                    .role_assignments
                    .into_iter()
                    .filter(|row| is_here(row.organization_id) && row.role_id.starts_with("group_"))
                    .collect();
                if let Some(row) = rows.get(nth % rows.len().max(1)) {
                    sim.unassign(row.id);
                    let mut state = self.watch.state();
                    state.case.by_hand.remove(&row.id);
                    state.case.unassigned.insert((row.assignee_id, row.applies_to_id));
                }
            }
            Staff::Promote { nth } => {
                let is_ours = |row: &RoleAssignment| {
                    let is_open = row.valid_until.is_none() && row.valid_from.is_none();
                    let is_plain = is_here(row.organization_id) && row.role_id == PLAIN;
                    is_open && is_plain && !self.watch.state().case.by_hand.contains(&row.id)
                };
                let rows: Vec<RoleAssignment> = state.role_assignments.into_iter().filter(is_ours).collect();
                if let Some(row) = rows.get(nth % rows.len().max(1)) {
                    let role = "group_manager".to_string();
                    sim.hand(Hand::SetRole { id: row.id, role }).expect("a role");
                    let kept = self.kept_of_sync();
                    let mut state = self.watch.state();
                    state.case.by_hand.insert(row.id);
                    state.case.promoted.push((row.id, kept));
                }
            }
            Staff::Crowd { group } => {
                let group = self.groups[*group];
                if self.watch.state().case.crowds > 0 || !state.groups.iter().any(|one| one.id == group) {
                    return;
                }
                let before: BTreeSet<u64> = state.role_assignments.iter().map(|row| row.id).collect();
                for nth in 0..PAGE {
                    let (name, email) =
                        (format!("Stranger {nth}"), format!("stranger{nth}@{organization}.test"));
                    let user_id = self.add_user(sim, name, email);
                    let role = PLAIN.to_string();
                    let hand =
                        Hand::Assign { user_id, group_id: group, role, valid_from: None, valid_until: None };
                    sim.hand(hand).expect("an assignment");
                }
                let mut state = self.watch.state();
                state.case.crowds += 1;
                for row in sim.state().role_assignments.into_iter().filter(|row| !before.contains(&row.id)) {
                    state.case.by_hand.insert(row.id);
                    state.case.users_ever.insert(row.assignee_id);
                    state.case.of_strangers.push(row);
                }
            }
            Staff::DeleteGroup { group } => {
                sim.delete_group(self.groups[*group]);
            }
            Staff::RenameGroup { group } => {
                let name = format!("{} (renamed)", GROUPS[*group]);
                // A group that staff deleted before has no name.
                drop(sim.hand(Hand::RenameGroup { id: self.groups[*group], name }));
            }
            Staff::DeleteUser { nth } => {
                let users: Vec<u64> = state
                    .users
                    .iter()
                    .filter(|user| is_here(user.organization_id) && user.id != self.owner)
                    .map(|user| user.id)
                    .collect();
                if let Some(user) = users.get(nth % users.len().max(1)) {
                    sim.delete_user(*user);
                    self.watch.state().case.users_deleted.insert(*user);
                }
            }
            Staff::RotateKey => {
                sim.revoke_key(&self.key);
                self.key = sim.add_key(self.owner);
                self.secrets.push(self.key.clone());
            }
        }
    }
}

fn membership(given: &Given, number: usize, now: u64) -> Membership {
    let at = |hours: Option<i64>| hours.map(|hours| now.saturating_add_signed(hours * 3_600_000));
    Membership {
        status: given.status,
        starts_at: at(given.starts),
        ends_at: at(given.ends),
        payment: at(given.overdue).map_or(Payment::Paid, Payment::Overdue),
        frozen_until: at(given.frozen_until),
        ..door_access_testkit::membership(&format!("ms-{number}"), PLANS[given.plan])
    }
}

fn change(membership: &mut Membership, how: Change, now: u64) {
    match how {
        Change::Renew => membership.ends_at = membership.ends_at.map(|end| end.max(now) + 30 * DAY),
        Change::Freeze { hours } => {
            membership.status = MembershipStatus::Frozen;
            membership.frozen_until = hours.map(|hours| now + hours * HOUR);
        }
        Change::Resume => {
            membership.status = MembershipStatus::Active;
            membership.frozen_until = None;
        }
        Change::Cancel => membership.status = MembershipStatus::Cancelled,
        Change::Expire => membership.status = MembershipStatus::Expired,
        Change::Overdue => membership.payment = Payment::Overdue(now),
        Change::Pay => membership.payment = Payment::Paid,
        Change::Plan(plan) => membership.plan = PLANS[plan].to_string(),
    }
}
