//! From a seed to a state: gives ids, resolves names, fills in defaults.

use super::{
    Seed, SeedAccessHours, SeedError, SeedGroup, SeedKey, SeedLock, SeedOrganization, SeedPlace,
    SeedRoleAssignment, SeedUser,
};
use crate::clock::ClockMode;
use crate::hands::OrganizationRole;
use crate::hours::AccessHours;
use crate::records::{AppliesTo, Group, Lock, Organization, Place, RoleAssignment, User};
use crate::resources::roles;
use crate::resources::users::{is_email, problem_with_metadata};
use crate::state::State;
use crate::table::Record;

/// 2026-10-01T10:00:00.000Z: a Thursday morning, far from any change of the clocks.
const START_MS: u64 = 1_790_848_800_000;

/// The state that a seed describes.
pub(crate) fn plant(seed: &Seed, mode: ClockMode) -> Result<State, SeedError> {
    let mut state = State::new(mode, seed.start_time.unwrap_or(START_MS), seed.knobs.clone());
    let default = [SeedOrganization::default()];
    let organizations = if seed.organizations.is_empty() { &default[..] } else { &seed.organizations };
    for (number, organization) in organizations.iter().enumerate() {
        plant_organization(&mut state, number, organization).map_err(|Wrong { field, problem }| {
            SeedError { line: None, path: format!("organizations[{number}].{field}"), problem }
        })?;
    }
    Ok(state)
}

/// A field of an organization that can't be used.
struct Wrong {
    field: String,
    problem: String,
}

fn wrong(field: impl Into<String>, problem: impl Into<String>) -> Wrong {
    Wrong { field: field.into(), problem: problem.into() }
}

fn plant_organization(state: &mut State, number: usize, seed: &SeedOrganization) -> Result<(), Wrong> {
    let created_at = state.now_ms();
    let name = seed.name.clone().unwrap_or_else(|| format!("Gym {}", number + 1));
    let domain = seed.domain.clone().unwrap_or_else(|| domain_from(&name));
    if let Some(other) = state.organizations.rows().find(|other| other.domain == domain) {
        return Err(wrong("domain", format!("`{domain}` is the domain of `{}` already", other.name)));
    }
    let time_zone = seed.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
    let owner_email = format!("owner@{domain}.test");
    let own_place = SeedPlace { name: name.clone(), ..SeedPlace::default() };
    let id = state.organizations.add(|id| Organization {
        id,
        name,
        domain,
        time_zone: time_zone.clone(),
        created_at,
    });
    let mut bed = Bed { state, id, time_zone };
    let places = if seed.places.is_empty() { std::slice::from_ref(&own_place) } else { &seed.places };
    places.iter().for_each(|place| bed.place(place));
    each(&seed.locks, "locks", |field, lock| bed.lock(field, lock))?;
    each(&seed.groups, "groups", |field, group| bed.group(field, group))?;
    each(&seed.locked_down, "locked_down", |field, name| bed.lock_down(field, name))?;
    each(&seed.access_hours, "access_hours", |field, hours| bed.access_hours(field, hours))?;
    if !seed.users.iter().any(|user| user.role == OrganizationRole::Owner) {
        if seed.users.iter().any(|user| user.email.eq_ignore_ascii_case(&owner_email)) {
            return Err(wrong("users", format!("`{owner_email}` needs `role = \"owner\"`")));
        }
        let owner = bed.state.add_user(User::new(id, "Owner", &owner_email, created_at));
        bed.organization_role(owner, OrganizationRole::Owner);
    }
    each(&seed.users, "users", |field, user| bed.user(field, user))?;
    each(&seed.role_assignments, "role_assignments", |field, held| bed.role_assignment(field, held))?;
    let default = [SeedKey::default()];
    let keys = if seed.keys.is_empty() { &default[..] } else { &seed.keys };
    each(keys, "keys", |field, key| bed.key(field, key))
}

/// Plants each row of a list under its place in the document, for example `users[2]`.
fn each<T>(
    rows: &[T],
    list: &str,
    mut plant: impl FnMut(&str, &T) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    rows.iter().enumerate().try_for_each(|(number, row)| plant(&format!("{list}[{number}]"), row))
}

/// One organization while its content is added.
struct Bed<'a> {
    state: &'a mut State,
    id: u64,
    time_zone: String,
}

impl Bed<'_> {
    fn place(&mut self, seed: &SeedPlace) {
        let created_at = self.state.now_ms();
        self.state.places.add(|id| Place {
            id,
            organization_id: self.id,
            name: seed.name.clone(),
            address: seed.address.clone(),
            time_zone: seed.time_zone.clone().unwrap_or_else(|| self.time_zone.clone()),
            latitude: seed.latitude,
            longitude: seed.longitude,
            locked_down_since: seed.locked_down.then_some(created_at),
            created_at,
        });
    }

    fn lock(&mut self, field: &str, seed: &SeedLock) -> Result<(), Wrong> {
        let place_id = match &seed.place {
            Some(name) => self.place_named(name, &format!("{field}.place"))?,
            None => self.state.places.ids_in(self.id).next().unwrap_or_default(),
        };
        let created_at = self.state.now_ms();
        self.state.locks.add(|id| Lock {
            id,
            organization_id: self.id,
            place_id,
            name: seed.name.clone(),
            description: seed.description.clone(),
            online: seed.online,
            locked_down_since: None,
            created_at,
        });
        Ok(())
    }

    fn group(&mut self, field: &str, seed: &SeedGroup) -> Result<(), Wrong> {
        let place = seed.place.as_deref().map(|name| self.place_named(name, &format!("{field}.place")));
        let place_id = place.transpose()?;
        let group_id = self.state.add_group(Group {
            place_id,
            description: seed.description.clone(),
            login_enabled: seed.login_enabled,
            ..Group::new(self.id, &seed.name, self.state.now_ms())
        });
        each(&seed.locks, &format!("{field}.locks"), |field, name| {
            let lock = self.lock_named(name, field)?;
            if place_id.is_some_and(|place_id| place_id != lock.place_id) {
                return Err(wrong(field, format!("`{name}` is not in the place of the group")));
            }
            let lock_id = lock.id;
            self.state.add_group_lock(self.id, group_id, lock_id);
            Ok(())
        })
    }

    fn lock_down(&mut self, field: &str, name: &str) -> Result<(), Wrong> {
        let (id, now_ms) = (self.lock_named(name, field)?.id, self.state.now_ms());
        if let Some(lock) = self.state.locks.get_mut(id) {
            lock.locked_down_since = Some(now_ms);
        }
        Ok(())
    }

    fn access_hours(&mut self, field: &str, seed: &SeedAccessHours) -> Result<(), Wrong> {
        let id = self.group_named(&seed.group, &format!("{field}.group"))?;
        if let Some(group) = self.state.groups.get_mut(id) {
            group.restrict_to(Some(AccessHours { from: seed.from, until: seed.until }));
        }
        Ok(())
    }

    fn user(&mut self, field: &str, seed: &SeedUser) -> Result<(), Wrong> {
        let email = &seed.email;
        if !is_email(email) {
            return Err(wrong(format!("{field}.email"), format!("`{email}` is not an e-mail address")));
        }
        if self.state.user_by_email(self.id, email).is_some() {
            return Err(wrong(format!("{field}.email"), format!("`{email}` is there twice")));
        }
        if let Some(problem) = problem_with_metadata(&seed.metadata) {
            return Err(wrong(format!("{field}.metadata"), problem));
        }
        let user_id = self.state.add_user(User {
            access_enabled: seed.access_enabled,
            notes: seed.notes.clone(),
            metadata: seed.metadata.clone(),
            ..User::new(self.id, &seed.name, email, self.state.now_ms())
        });
        self.organization_role(user_id, seed.role);
        Ok(())
    }

    fn organization_role(&mut self, user_id: u64, role: OrganizationRole) {
        if let Some(role_id) = role.role_id() {
            self.assign(user_id, (AppliesTo::Organization, self.id), role_id, &SeedRoleAssignment::default());
        }
    }

    fn role_assignment(&mut self, field: &str, seed: &SeedRoleAssignment) -> Result<(), Wrong> {
        let user_id = self.user_with(&seed.user, &format!("{field}.user"))?;
        let (target, default_role) = match (&seed.group, &seed.place) {
            (Some(group), None) => {
                ((AppliesTo::Group, self.group_named(group, &format!("{field}.group"))?), "group_basic")
            }
            (None, Some(place)) => {
                ((AppliesTo::Place, self.place_named(place, &format!("{field}.place"))?), "place_owner")
            }
            _ => return Err(wrong(field, "give either `group` or `place`")),
        };
        let role_id = seed.role.as_deref().unwrap_or(default_role);
        if let Some(problem) = roles::problem_with(role_id, target.0) {
            return Err(wrong(format!("{field}.role"), problem));
        }
        if target.0 == AppliesTo::Place && (seed.valid_from, seed.valid_until) != (None, None) {
            return Err(wrong(field, "only roles in groups have dates"));
        }
        if let (Some(from), Some(until)) = (seed.valid_from, seed.valid_until)
            && until <= from
        {
            return Err(wrong(format!("{field}.valid_until"), "is not after valid_from"));
        }
        self.assign(user_id, target, role_id, seed);
        Ok(())
    }

    fn assign(&mut self, user_id: u64, target: (AppliesTo, u64), role_id: &str, dates: &SeedRoleAssignment) {
        self.state.add_role_assignment(RoleAssignment {
            valid_from: dates.valid_from,
            valid_until: dates.valid_until,
            created_by_id: self.state.owner_of(self.id).unwrap_or(user_id),
            ..RoleAssignment::new(self.id, user_id, role_id.to_owned(), target, self.state.now_ms())
        });
    }

    fn key(&mut self, field: &str, seed: &SeedKey) -> Result<(), Wrong> {
        let user_id = match &seed.user {
            Some(email) => self.user_with(email, &format!("{field}.user"))?,
            None => self.state.owner_of(self.id).unwrap_or_default(),
        };
        let Some(secret) = &seed.secret else {
            self.state.make_key(user_id);
            return Ok(());
        };
        if secret.is_empty() || !secret.chars().all(|char| char.is_ascii_graphic()) {
            return Err(wrong(format!("{field}.secret"), "must be of visible ASCII characters"));
        }
        if !self.state.add_key(user_id, secret.clone()) {
            return Err(wrong(format!("{field}.secret"), "is the secret of another key"));
        }
        Ok(())
    }

    fn user_with(&self, email: &str, field: &str) -> Result<u64, Wrong> {
        self.state
            .user_by_email(self.id, email)
            .ok_or_else(|| wrong(field, format!("there is no user `{email}` in this organization")))
    }

    fn place_named(&self, name: &str, field: &str) -> Result<u64, Wrong> {
        self.only("place", name, field, |place: &Place| &place.name).map(|place| place.id)
    }

    fn lock_named(&self, name: &str, field: &str) -> Result<&Lock, Wrong> {
        self.only("lock", name, field, |lock: &Lock| &lock.name)
    }

    fn group_named(&self, name: &str, field: &str) -> Result<u64, Wrong> {
        self.only("group", name, field, |group: &Group| &group.name).map(|group| group.id)
    }

    /// The one record with a name. A name of several records is ambiguous.
    fn only<T: Record>(
        &self,
        kind: &str,
        name: &str,
        field: &str,
        name_of: impl Fn(&T) -> &str,
    ) -> Result<&T, Wrong> {
        let rows = T::table(self.state).rows();
        let mut named = rows.filter(|row| row.organization_id() == self.id && name_of(row) == name);
        match (named.next(), named.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(wrong(field, format!("there is no {kind} `{name}` in this organization"))),
            (Some(_), Some(_)) => {
                Err(wrong(field, format!("there is more than one {kind} `{name}` in this organization")))
            }
        }
    }
}

/// `Iron Temple` becomes `iron-temple`.
fn domain_from(name: &str) -> String {
    let name = name.to_lowercase();
    let words = name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let domain = words.collect::<Vec<_>>().join("-");
    if domain.is_empty() { "gym".to_owned() } else { domain }
}
