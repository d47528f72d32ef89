//! From a seed to a state: gives ids, resolves names, fills in what was left out.

use super::{
    Seed, SeedAccessHours, SeedError, SeedGroup, SeedKey, SeedLock, SeedOrganization, SeedPlace,
    SeedRoleAssignment,
};
use crate::clock::ClockMode;
use crate::hands::OrganizationRole;
use crate::records::{AppliesTo, Group, Lock, Organization, Place};
use crate::resources::roles;
use crate::resources::users::{is_email, problem_with_metadata};
use crate::state::{NewRoleAssignment, State};

/// 2026-10-01T10:00:00.000Z: a Thursday morning, far from any change of the clocks.
const START_MS: u64 = 1_790_848_800_000;

/// The state that a seed describes.
pub(crate) fn plant(seed: &Seed, mode: ClockMode) -> Result<State, SeedError> {
    let mut state = State::new(mode, seed.start_time.unwrap_or(START_MS), seed.knobs.clone());
    let default = [SeedOrganization::default()];
    let organizations =
        if seed.organizations.is_empty() { default.as_slice() } else { seed.organizations.as_slice() };
    for (number, organization) in organizations.iter().enumerate() {
        Bed {
            state: &mut state,
            path: format!("organizations[{number}]"),
            number,
            id: 0,
            time_zone: String::new(),
        }
        .plant(organization)?;
    }
    Ok(state)
}

/// One organization being planted.
struct Bed<'a> {
    state: &'a mut State,
    path: String,
    number: usize,
    id: u64,
    time_zone: String,
}

impl Bed<'_> {
    fn plant(&mut self, seed: &SeedOrganization) -> Result<(), SeedError> {
        let created_at = self.state.now_ms();
        let name = seed.name.clone().unwrap_or_else(|| format!("Gym {}", self.number + 1));
        let domain = seed.domain.clone().unwrap_or_else(|| domain_from(&name));
        if let Some(other) = self.state.organizations.rows().find(|other| other.domain == domain) {
            return Err(self.wrong("domain", format!("`{domain}` is the domain of `{}` already", other.name)));
        }
        self.time_zone = seed.time_zone.clone().unwrap_or_else(|| "UTC".to_owned());
        let time_zone = self.time_zone.clone();
        let owner_email = format!("owner@{domain}.test");
        self.id = self.state.organizations.add(|id| Organization {
            id,
            name: name.clone(),
            domain,
            time_zone,
            created_at,
        });
        if seed.places.is_empty() {
            self.place(&SeedPlace { name, ..SeedPlace::default() });
        }
        for place in &seed.places {
            self.place(place);
        }
        for (number, lock) in seed.locks.iter().enumerate() {
            self.lock(number, lock)?;
        }
        for (number, group) in seed.groups.iter().enumerate() {
            self.group(number, group)?;
        }
        for (number, name) in seed.locked_down.iter().enumerate() {
            self.lock_down(number, name)?;
        }
        for (number, hours) in seed.access_hours.iter().enumerate() {
            self.access_hours(number, hours)?;
        }
        self.users(seed, &owner_email)?;
        for (number, held) in seed.role_assignments.iter().enumerate() {
            self.role_assignment(number, held)?;
        }
        let default = [SeedKey::default()];
        let keys = if seed.keys.is_empty() { default.as_slice() } else { seed.keys.as_slice() };
        keys.iter().enumerate().try_for_each(|(number, key)| self.key(number, key))
    }

    fn place(&mut self, seed: &SeedPlace) {
        let (organization_id, created_at) = (self.id, self.state.now_ms());
        let time_zone = seed.time_zone.clone().unwrap_or_else(|| self.time_zone.clone());
        self.state.places.add(|id| Place {
            id,
            organization_id,
            name: seed.name.clone(),
            address: seed.address.clone(),
            time_zone,
            latitude: seed.latitude,
            longitude: seed.longitude,
            locked_down_since: seed.locked_down.then_some(created_at),
            created_at,
        });
    }

    fn lock(&mut self, number: usize, seed: &SeedLock) -> Result<(), SeedError> {
        let place_id = match &seed.place {
            Some(name) => self.place_named(name, &format!("locks[{number}].place"))?,
            None => self.state.places.ids_in(self.id).next().unwrap_or_default(),
        };
        let (organization_id, created_at) = (self.id, self.state.now_ms());
        self.state.locks.add(|id| Lock {
            id,
            organization_id,
            place_id,
            name: seed.name.clone(),
            description: seed.description.clone(),
            online: seed.online,
            locked_down_since: None,
            created_at,
        });
        Ok(())
    }

    fn group(&mut self, number: usize, seed: &SeedGroup) -> Result<(), SeedError> {
        let (organization_id, now_ms) = (self.id, self.state.now_ms());
        let place_id = match &seed.place {
            Some(name) => Some(self.place_named(name, &format!("groups[{number}].place"))?),
            None => None,
        };
        let group_id = self.state.groups.add(|id| Group {
            place_id,
            description: seed.description.clone(),
            login_enabled: seed.login_enabled,
            ..Group::new(id, organization_id, &seed.name, now_ms)
        });
        for (door, name) in seed.locks.iter().enumerate() {
            let field = format!("groups[{number}].locks[{door}]");
            let lock = self.lock_named(name, &field)?;
            let (lock_id, lock_place_id) = (lock.id, lock.place_id);
            if place_id.is_some_and(|place_id| place_id != lock_place_id) {
                return Err(self.wrong(&field, format!("`{name}` is not in the place of the group")));
            }
            self.state.add_group_lock(organization_id, group_id, lock_id);
        }
        Ok(())
    }

    fn lock_down(&mut self, number: usize, name: &str) -> Result<(), SeedError> {
        let id = self.lock_named(name, &format!("locked_down[{number}]"))?.id;
        let now_ms = self.state.now_ms();
        if let Some(lock) = self.state.locks.get_mut(id) {
            lock.locked_down_since = Some(now_ms);
        }
        Ok(())
    }

    fn access_hours(&mut self, number: usize, seed: &SeedAccessHours) -> Result<(), SeedError> {
        let id = self.group_named(&seed.group, &format!("access_hours[{number}].group"))?;
        if let Some(group) = self.state.groups.get_mut(id) {
            group.restrict_to(Some(seed.hours()));
        }
        Ok(())
    }

    fn users(&mut self, seed: &SeedOrganization, owner_email: &str) -> Result<(), SeedError> {
        if !seed.users.iter().any(|user| user.role == OrganizationRole::Owner) {
            if seed.users.iter().any(|user| user.email.eq_ignore_ascii_case(owner_email)) {
                return Err(self.wrong("users", format!("`{owner_email}` needs `role = \"owner\"`")));
            }
            let id = self.state.add_user(self.id, "Owner", owner_email);
            self.organization_role(id, OrganizationRole::Owner);
        }
        for (number, user) in seed.users.iter().enumerate() {
            let path = format!("users[{number}]");
            if !is_email(&user.email) {
                return Err(
                    self.wrong(&format!("{path}.email"), format!("`{}` is no e-mail address", user.email))
                );
            }
            if self.state.user_by_email(self.id, &user.email).is_some() {
                return Err(self.wrong(&format!("{path}.email"), format!("`{}` is there twice", user.email)));
            }
            if let Some(problem) = problem_with_metadata(&user.metadata) {
                return Err(self.wrong(&format!("{path}.metadata"), problem));
            }
            let id = self.state.add_user(self.id, &user.name, &user.email);
            if let Some(stored) = self.state.users.get_mut(id) {
                stored.access_enabled = user.access_enabled;
                stored.notes.clone_from(&user.notes);
                stored.metadata = user.metadata.clone();
            }
            self.organization_role(id, user.role);
        }
        Ok(())
    }

    fn organization_role(&mut self, user_id: u64, role: OrganizationRole) {
        if let Some(role_id) = role.role_id() {
            let target = (AppliesTo::Organization, self.id);
            self.assign(user_id, target, role_id, &SeedRoleAssignment::default());
        }
    }

    fn role_assignment(&mut self, number: usize, seed: &SeedRoleAssignment) -> Result<(), SeedError> {
        let path = format!("role_assignments[{number}]");
        let user_id = self.user_with(&seed.user, &format!("{path}.user"))?;
        let (target, default_role) = match (&seed.group, &seed.place) {
            (Some(group), None) => {
                ((AppliesTo::Group, self.group_named(group, &format!("{path}.group"))?), "group_basic")
            }
            (None, Some(place)) => {
                ((AppliesTo::Place, self.place_named(place, &format!("{path}.place"))?), "place_owner")
            }
            _ => return Err(self.wrong(&path, "give either `group` or `place`".to_owned())),
        };
        let role_id = seed.role.as_deref().unwrap_or(default_role);
        if !roles::fits(role_id, target.0) {
            let known = roles::ids_for(target.0).join("`, `");
            return Err(self.wrong(&format!("{path}.role"), format!("`{role_id}` is none of `{known}`")));
        }
        if target.0 == AppliesTo::Place && (seed.valid_from, seed.valid_until) != (None, None) {
            return Err(self.wrong(&path, "only roles in groups have dates".to_owned()));
        }
        if let (Some(from), Some(until)) = (seed.valid_from, seed.valid_until)
            && until <= from
        {
            return Err(self.wrong(&format!("{path}.valid_until"), "is not after valid_from".to_owned()));
        }
        self.assign(user_id, target, role_id, seed);
        Ok(())
    }

    fn assign(
        &mut self,
        user_id: u64,
        applies_to: (AppliesTo, u64),
        role_id: &str,
        dates: &SeedRoleAssignment,
    ) {
        self.state.add_role_assignment(NewRoleAssignment {
            organization_id: self.id,
            role_id: role_id.to_owned(),
            applies_to,
            user_id,
            notify: false,
            valid_from: dates.valid_from,
            valid_until: dates.valid_until,
            created_by_id: self.state.owner_of(self.id).unwrap_or(user_id),
        });
    }

    fn key(&mut self, number: usize, seed: &SeedKey) -> Result<(), SeedError> {
        let user_id = match &seed.user {
            Some(email) => self.user_with(email, &format!("keys[{number}].user"))?,
            None => self.state.owner_of(self.id).unwrap_or_default(),
        };
        match &seed.secret {
            None => {
                self.state.make_key(user_id);
                Ok(())
            }
            Some(secret) if secret.is_empty() || secret.chars().any(|char| !char.is_ascii_graphic()) => {
                Err(self.wrong(
                    &format!("keys[{number}].secret"),
                    "must be of visible ASCII characters".to_owned(),
                ))
            }
            Some(secret) => {
                if self.state.add_key(user_id, secret.clone()) {
                    Ok(())
                } else {
                    Err(self
                        .wrong(&format!("keys[{number}].secret"), "is the secret of another key".to_owned()))
                }
            }
        }
    }

    fn user_with(&self, email: &str, field: &str) -> Result<u64, SeedError> {
        self.state
            .user_by_email(self.id, email)
            .ok_or_else(|| self.wrong(field, format!("there is no user `{email}` in this organization")))
    }

    fn place_named(&self, name: &str, field: &str) -> Result<u64, SeedError> {
        let places = self.state.places.rows().filter(|place| place.organization_id == self.id);
        self.only("place", name, field, places, |place| &place.name).map(|place| place.id)
    }

    fn lock_named(&self, name: &str, field: &str) -> Result<&Lock, SeedError> {
        let locks = self.state.locks.rows().filter(|lock| lock.organization_id == self.id);
        self.only("lock", name, field, locks, |lock| &lock.name)
    }

    fn group_named(&self, name: &str, field: &str) -> Result<u64, SeedError> {
        let groups = self.state.groups.rows().filter(|group| group.organization_id == self.id);
        self.only("group", name, field, groups, |group| &group.name).map(|group| group.id)
    }

    /// The one object with a name: a name that fits several says nothing.
    fn only<'r, T>(
        &self,
        kind: &str,
        name: &str,
        field: &str,
        rows: impl Iterator<Item = &'r T>,
        name_of: impl Fn(&T) -> &str,
    ) -> Result<&'r T, SeedError> {
        let mut named = rows.filter(|row| name_of(row) == name);
        match (named.next(), named.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(self.wrong(field, format!("there is no {kind} `{name}` in this organization"))),
            (Some(_), Some(_)) => {
                Err(self.wrong(field, format!("there is more than one {kind} `{name}` in this organization")))
            }
        }
    }

    fn wrong(&self, field: &str, problem: String) -> SeedError {
        SeedError::Content { path: format!("{}.{field}", self.path), problem }
    }
}

/// `Iron Temple` becomes `iron-temple`.
fn domain_from(name: &str) -> String {
    let words: Vec<String> = name
        .to_lowercase()
        .split(|char: char| !char.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if words.is_empty() { "gym".to_owned() } else { words.join("-") }
}
