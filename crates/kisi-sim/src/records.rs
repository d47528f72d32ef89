//! The records of a simulated Kisi, as [`Snapshot`] shows them. The resources render them for the API.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{optional_timestamp, timestamp};
use crate::hours::AccessHours;
use crate::login::Login;

/// An organization: one customer of Kisi, isolated from all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Its sign-in domain, a single word.
    pub domain: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// When it was created, in milliseconds since the Unix epoch.
    #[serde(with = "timestamp")]
    pub created_at: u64,
}

/// A place: one location of an organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Its id.
    pub id: u64,
    /// The organization it belongs to.
    pub organization_id: u64,
    /// Its name.
    pub name: String,
    /// Its postal address.
    pub address: String,
    /// Its IANA time zone.
    pub time_zone: String,
    /// Where it is, in degrees.
    pub latitude: Option<f64>,
    /// Where it is, in degrees.
    pub longitude: Option<f64>,
    /// Since when all of it is locked down.
    #[serde(with = "optional_timestamp", default)]
    pub locked_down_since: Option<u64>,
    /// When it was created.
    #[serde(with = "timestamp")]
    pub created_at: u64,
}

/// A lock: one door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// Its id.
    pub id: u64,
    /// The organization it belongs to.
    pub organization_id: u64,
    /// The place it is in.
    pub place_id: u64,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Whether it is connected.
    pub online: bool,
    /// Since when it is locked down.
    #[serde(with = "optional_timestamp", default)]
    pub locked_down_since: Option<u64>,
    /// When it was created.
    #[serde(with = "timestamp")]
    pub created_at: u64,
}

/// A group: doors that its members may open.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: u64,
    /// The organization it belongs to.
    pub organization_id: u64,
    /// The place it is limited to; none for a group of the whole organization.
    pub place_id: Option<u64>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Whether its members may unlock with the app.
    pub login_enabled: bool,
    /// Whether its members must be near the door.
    pub geofence_restriction_enabled: bool,
    /// Whether its members must use their primary device.
    pub primary_device_restriction_enabled: bool,
    /// Whether its members must use a managed device.
    pub managed_device_restriction_enabled: bool,
    /// Whether its members must stand at the reader.
    pub reader_restriction_enabled: bool,
    /// Whether its members may enter at certain times only.
    pub time_restriction_enabled: bool,
    /// Whether its members may unlock at the reader.
    pub tap_to_access_restriction_enabled: bool,
    /// The time zone of the time restriction.
    pub time_restriction_time_zone: Option<String>,
    /// The hours of the time restriction.
    #[serde(default)]
    pub access_hours: Option<AccessHours>,
    /// When it was created.
    #[serde(with = "timestamp")]
    pub created_at: u64,
    /// When it was last changed.
    #[serde(with = "timestamp")]
    pub updated_at: u64,
}

impl Group {
    /// Restricts the group to these hours, or ends the restriction.
    pub(crate) fn restrict_to(&mut self, hours: Option<AccessHours>) {
        self.access_hours = hours;
        self.time_restriction_enabled = hours.is_some();
        self.time_restriction_time_zone = hours.map(|_| "UTC".to_owned());
    }

    /// A group of which only the name is given. The table gives the id.
    pub(crate) fn new(organization_id: u64, name: &str, now_ms: u64) -> Group {
        Group {
            organization_id,
            name: name.to_owned(),
            login_enabled: true,
            created_at: now_ms,
            updated_at: now_ms,
            ..Group::default()
        }
    }
}

/// A group lock: one door in one group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupLock {
    /// Its id.
    pub id: u64,
    /// The organization it belongs to.
    pub organization_id: u64,
    /// The group.
    pub group_id: u64,
    /// The door.
    pub lock_id: u64,
    /// When it was created.
    #[serde(with = "timestamp")]
    pub created_at: u64,
}

/// A user of one organization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: u64,
    /// The organization it belongs to.
    pub organization_id: u64,
    /// Its name; may be empty.
    pub name: String,
    /// Its e-mail address, spelt as given.
    pub email: String,
    /// Up to 50 flat values, for integrations.
    pub metadata: Map<String, Value>,
    /// The URL of its picture.
    pub image: Option<String>,
    /// Notes by staff.
    pub notes: Option<String>,
    /// Its preferred language.
    pub locale: Option<String>,
    /// Whether it may open any door of the organization.
    pub access_enabled: bool,
    /// The same, as set by the organization's directory (SCIM). The API can only read it.
    pub scim_access_enabled: bool,
    /// Whether it may sign in with a password.
    pub password_flow_enabled: bool,
    /// Whether it was confirmed at creation.
    pub confirmed: bool,
    /// Whether Kisi sends it e-mails; false together with `confirmed` is a managed user.
    pub send_emails: bool,
    /// When it last unlocked a door.
    #[serde(with = "optional_timestamp", default)]
    pub last_accessed_at: Option<u64>,
    /// When it was created.
    #[serde(with = "timestamp")]
    pub created_at: u64,
    /// When it was last changed.
    #[serde(with = "timestamp")]
    pub updated_at: u64,
}

impl User {
    /// A user of which only name and e-mail address are given. The table gives the id.
    pub(crate) fn new(organization_id: u64, name: &str, email: &str, now_ms: u64) -> User {
        User {
            organization_id,
            name: name.to_owned(),
            email: email.to_owned(),
            access_enabled: true,
            scim_access_enabled: true,
            password_flow_enabled: true,
            confirmed: true,
            send_emails: true,
            created_at: now_ms,
            updated_at: now_ms,
            ..User::default()
        }
    }
}

/// The kind of object that a role assignment gives access to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AppliesTo {
    /// The whole organization.
    Organization,
    /// One place.
    Place,
    /// One group.
    Group,
}

impl AppliesTo {
    pub(crate) const ALL: [AppliesTo; 3] = [AppliesTo::Organization, AppliesTo::Place, AppliesTo::Group];

    /// The value of `applies_to_type`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            AppliesTo::Organization => "Organization",
            AppliesTo::Place => "Place",
            AppliesTo::Group => "Group",
        }
    }

    /// The value of `scope`.
    pub(crate) fn scope(self) -> &'static str {
        match self {
            AppliesTo::Organization => "organization",
            AppliesTo::Place => "place",
            AppliesTo::Group => "group",
        }
    }

    pub(crate) fn named(name: &str) -> Option<AppliesTo> {
        AppliesTo::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The kind of holder of a role assignment. Kisi has teams and guests too; the simulator has users only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum AssigneeType {
    /// A user.
    User,
}

/// A role assignment: a user's role in an organization, a place or a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// Its id.
    pub id: u64,
    /// The organization it belongs to.
    pub organization_id: u64,
    /// The role, for example `group_basic`.
    pub role_id: String,
    /// The kind of object it gives access to.
    pub applies_to_type: AppliesTo,
    /// That object's id.
    pub applies_to_id: u64,
    /// The kind of holder.
    pub assignee_type: AssigneeType,
    /// The holder's id.
    pub assignee_id: u64,
    /// Whether Kisi sends the holder an e-mail about it.
    pub notify: bool,
    /// When it begins to be valid; none is at once.
    #[serde(with = "optional_timestamp", default)]
    pub valid_from: Option<u64>,
    /// When it ceases to be valid; none is never.
    #[serde(with = "optional_timestamp", default)]
    pub valid_until: Option<u64>,
    /// The user who created it.
    pub created_by_id: u64,
    /// When it was created.
    #[serde(with = "timestamp")]
    pub created_at: u64,
    /// When it was last changed.
    #[serde(with = "timestamp")]
    pub updated_at: u64,
}

impl RoleAssignment {
    /// A role assignment without dates and notification, created by its holder. The table gives the id.
    pub(crate) fn new(
        organization_id: u64,
        user_id: u64,
        role_id: String,
        (applies_to_type, applies_to_id): (AppliesTo, u64),
        now_ms: u64,
    ) -> RoleAssignment {
        RoleAssignment {
            id: 0,
            organization_id,
            role_id,
            applies_to_type,
            applies_to_id,
            assignee_type: AssigneeType::User,
            assignee_id: user_id,
            notify: false,
            valid_from: None,
            valid_until: None,
            created_by_id: user_id,
            created_at: now_ms,
            updated_at: now_ms,
        }
    }

    /// The organization, place or group.
    pub(crate) fn target(&self) -> (AppliesTo, u64) {
        (self.applies_to_type, self.applies_to_id)
    }

    /// The first moment of validity, and the first moment after it.
    pub(crate) fn dates(&self) -> (Option<u64>, Option<u64>) {
        (self.valid_from, self.valid_until)
    }
}

/// All records of a simulated Kisi, in the order of their ids. No secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The simulator's time.
    #[serde(with = "timestamp")]
    pub now: u64,
    /// All organizations.
    pub organizations: Vec<Organization>,
    /// All places.
    pub places: Vec<Place>,
    /// All locks.
    pub locks: Vec<Lock>,
    /// All groups.
    pub groups: Vec<Group>,
    /// All group locks.
    pub group_locks: Vec<GroupLock>,
    /// All users.
    pub users: Vec<User>,
    /// All role assignments.
    pub role_assignments: Vec<RoleAssignment>,
    /// All logins, keys of the API among them, without their secrets.
    #[serde(default)]
    pub logins: Vec<Login>,
}

impl Snapshot {
    /// The first user with this e-mail address, in any case.
    pub fn user_by_email(&self, email: &str) -> Option<&User> {
        let email = email.to_lowercase();
        self.users.iter().find(|user| user.email.to_lowercase() == email)
    }

    /// The first group with this name.
    pub fn group_by_name(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The role assignments of one user, in the order of their ids.
    pub fn role_assignments_of(&self, user_id: u64) -> impl Iterator<Item = &RoleAssignment> {
        self.role_assignments.iter().filter(move |held| held.assignee_id == user_id)
    }

    /// The logins of one user, in the order of their ids.
    pub fn logins_of(&self, user_id: u64) -> impl Iterator<Item = &Login> {
        self.logins.iter().filter(move |login| login.user_id == user_id)
    }

    /// The role assignments in one group, in the order of their ids.
    pub fn role_assignments_in(&self, group_id: u64) -> impl Iterator<Item = &RoleAssignment> {
        self.role_assignments.iter().filter(move |held| held.applies_to_id == group_id)
    }
}
