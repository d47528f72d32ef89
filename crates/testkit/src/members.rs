//! The members, memberships and settings of most tests.

use door_access_host::contract::access::Device;
use door_access_host::contract::doors::Phone;
use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment};

/// The time at which worlds begin: 2026-12-01T08:00:00Z.
pub const START: u64 = 1_796_112_000_000;
/// An hour, in milliseconds.
pub const HOUR: u64 = 60 * 60 * 1_000;
/// A day, in milliseconds.
pub const DAY: u64 = 24 * HOUR;

/// The plugin's settings, with every default.
pub const SETTINGS: &str = r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"}}"#;
/// The same with grants that end after 30 days unless they are extended.
pub const LEASED: &str =
    r#"{"integration":{"identifier":"Test Gym","contact":"doors@gym.test"},"lease_days":30}"#;
/// The mapping of most gyms: plans, and the names of their groups in Kisi.
pub const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];

/// A phone of which nothing is known.
pub const NO_DEVICE: Device = Device { bluetooth: None, location: None, signed_in: None };

/// [`SETTINGS`] with more fields, such as `"grace_days":5`.
pub fn settings(fields: &str) -> String {
    SETTINGS.replacen('{', &format!("{{{fields},"), 1)
}

/// An active membership, paid and open-ended.
pub fn membership(id: &str, plan: &str) -> Membership {
    Membership {
        id: id.to_string(),
        plan: plan.to_string(),
        location: None,
        status: MembershipStatus::Active,
        starts_at: None,
        ends_at: None,
        payment: Payment::Paid,
        frozen_until: None,
    }
}

/// A membership between two days, counted from [`START`].
pub fn dated(id: &str, plan: &str, from: u64, until: u64) -> Membership {
    let day = |day: u64| Some(START + day * DAY);
    Membership { starts_at: day(from), ends_at: day(until), ..membership(id, plan) }
}

/// A membership that is frozen until a time.
pub fn frozen_until(until: u64, plan: &str) -> Membership {
    Membership { status: MembershipStatus::Frozen, frozen_until: Some(until), ..membership("ms-1", plan) }
}

/// An active member whose name is the id, with the address `ID@gym.test`.
pub fn member(id: &str, memberships: Vec<Membership>) -> Member {
    Member {
        id: id.to_string(),
        name: id.to_string(),
        email: Some(format!("{id}@gym.test")),
        status: MemberStatus::Active,
        memberships,
    }
}

/// A member with another address and one membership.
pub fn with_email(id: &str, email: &str, plan: &str) -> Member {
    Member { email: Some(email.to_string()), ..member(id, vec![membership("ms-1", plan)]) }
}

/// Members `m-00`, `m-01` and so on with the plan `basic`.
pub fn many(count: usize) -> Vec<Member> {
    (0..count).map(|number| member(&format!("m-{number:02}"), vec![membership("ms-1", "basic")])).collect()
}

/// A phone for which a login is issued.
pub fn phone() -> Phone {
    Phone { brand: "Apple".to_string(), model: "iPhone 17".to_string(), system: "iOS".to_string() }
}
