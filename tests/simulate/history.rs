//! Random but lawful histories: what a platform, staff in Kisi, a host and a network do, as values that print, repeat
//! and can be made smaller.

use door_access_host::contract::types::MembershipStatus;
use door_access_testkit::{At, Effect, Fault};
use fastrand::Rng;
use kisi_sim::{
    DuplicateRoleAssignment, DuplicateUser, EmailFilterCase, Knobs, RoleAssignmentsOfDeletedUser, SecondRole,
    Seed, ValidityInPatch,
};

use super::stories::story;

/// People of a gym.
pub(crate) const MEMBERS: usize = 6;
/// Addresses of a gym: hardly more than members, so that members who change theirs often meet.
pub(crate) const EMAILS: usize = 7;
pub(crate) const GROUPS: [&str; 3] = ["Gym", "Spa", "Pool"];
/// `towel` opens nothing: it stands for all else that a gym sells.
pub(crate) const PLANS: [&str; 4] = ["basic", "gold", "pool", "towel"];
/// Which plans give which groups; by the fourth mapping no plan gives anything.
pub(crate) const MAPPINGS: [&[(&str, &str)]; 5] = [
    &[("basic", "Gym"), ("gold", "Gym"), ("gold", "Spa"), ("pool", "Pool")],
    &[("basic", "Spa"), ("gold", "Gym"), ("pool", "Pool")],
    &[("basic", "Gym"), ("basic", "Pool"), ("gold", "Spa"), ("gold", "Gym")],
    &[],
    &[("pool", "Pool")],
];

/// A history of some gyms that share a platform and a Kisi.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) gyms: Vec<Gym>,
    pub(crate) knobs: Knobs,
    pub(crate) steps: Vec<Step>,
    /// Whether each member gets a last event before days pass, or none does and ticks alone must correct everything.
    pub(crate) last_events: bool,
    /// The order of the last events.
    pub(crate) order: Vec<usize>,
}

/// The settings and the size of a gym.
#[derive(Debug, Clone)]
pub(crate) struct Gym {
    pub(crate) grace_days: u64,
    pub(crate) lease_days: u64,
    pub(crate) members: usize,
}

/// One thing that happens, in one gym.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) gym: usize,
    pub(crate) what: What,
    /// What goes wrong in the calls of this step.
    pub(crate) faults: Vec<Fault>,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    Buy {
        who: usize,
        plan: usize,
        starts_in_hours: i64,
        lasts_hours: Option<u64>,
    },
    Change {
        who: usize,
        nth: usize,
        how: Change,
    },
    /// The platform has other memberships of a member, with any status and dates.
    Replace {
        who: usize,
        memberships: Vec<Given>,
    },
    Block {
        who: usize,
        blocked: bool,
    },
    Email {
        who: usize,
        email: Option<usize>,
        spelling: Spelling,
    },
    Rename {
        who: usize,
        name: usize,
    },
    Delete {
        who: usize,
    },
    Map {
        mapping: usize,
    },
    Staff(Staff),
    /// An event that waits is delivered; with `again` it stays and comes once more.
    Deliver {
        nth: usize,
        again: bool,
    },
    /// An event about a member who did not change, or an old event.
    Replay {
        who: usize,
    },
    Lose {
        nth: usize,
    },
    Tick {
        calls: u32,
    },
    Sync {
        preview: bool,
        calls: u32,
        steps: usize,
    },
    Confirm,
    Cancel,
    Connect,
    /// The gym has no operator: its host ticks when ticks are due, without confirmations.
    Alone {
        days: u64,
    },
    /// The platform shows only so many of its members for a while: an old backup, a wrong filter. No event reports it.
    Vanish {
        keep: usize,
    },
    /// It shows all members again.
    Return,
    /// It shows other people's addresses for its members from now on: another gym's file. No event reports it.
    Readdress,
    /// The plugin's own record of a member is damaged.
    Damage {
        who: usize,
    },
    Explain {
        who: usize,
        verify: bool,
    },
    Login {
        who: usize,
    },
    Unlock {
        who: usize,
    },
    Pass {
        minutes: u64,
    },
    /// The host's clock is wrong by so many minutes, from now on. Beyond five a lost answer may not be found again.
    Skew {
        minutes: i64,
    },
    /// The next requests are all answered so.
    Storm {
        requests: usize,
        status: u16,
    },
}

impl What {
    /// The kind of trouble that it is, for the totals.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        Some(match self {
            What::Deliver { again: true, .. } => "event twice",
            What::Deliver { nth: 1.., .. } => "event out of order",
            What::Lose { .. } => "event lost",
            What::Replay { .. } => "event replayed",
            What::Skew { .. } => "clock wrong",
            What::Storm { .. } => "storm of refusals",
            What::Vanish { .. } => "directory cut",
            What::Readdress => "directory readdressed",
            What::Damage { .. } => "record damaged",
            What::Staff(Staff::RotateKey) => "key rotated",
            What::Staff(Staff::DeleteGroup { .. }) => "group deleted",
            What::Staff(Staff::DeleteUser { .. }) => "user deleted",
            What::Staff(_) => "staff's hand",
            _ => return None,
        })
    }
}

/// A membership as a platform may have it. Times are in hours from the moment of the change, past ones included.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) plan: usize,
    pub(crate) status: MembershipStatus,
    pub(crate) starts: Option<i64>,
    pub(crate) ends: Option<i64>,
    pub(crate) overdue: Option<i64>,
    pub(crate) frozen_until: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Renew,
    Freeze { hours: Option<u64> },
    Resume,
    Cancel,
    Expire,
    Overdue,
    Pay,
    Plan(usize),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Spelling {
    Plain,
    Upper,
    Blanks,
}

/// What staff does in Kisi itself.
#[derive(Debug, Clone)]
pub(crate) enum Staff {
    /// A person is invited, to no group yet.
    Invite {
        person: usize,
    },
    Assign {
        person: usize,
        group: usize,
        elevated: bool,
        lasts_hours: Option<u64>,
    },
    Unassign {
        nth: usize,
    },
    /// A plain assignment becomes a manager's, under the same id.
    Promote {
        nth: usize,
    },
    /// As many strangers as fill a page of a group's list.
    Crowd {
        group: usize,
    },
    DeleteGroup {
        group: usize,
    },
    RenameGroup {
        group: usize,
    },
    DeleteUser {
        nth: usize,
    },
    RotateKey,
}

const OF_REQUEST: [Effect; 13] = [
    Effect::KillBefore,
    Effect::KillAfter,
    Effect::LoseAnswer,
    Effect::Refuse,
    Effect::TooMany,
    Effect::Unavailable,
    Effect::UnavailableAfterCommit,
    Effect::Html,
    Effect::Late,
    Effect::Truncated,
    Effect::NotAnArray,
    Effect::Shifted,
    Effect::Repeated,
];
const OF_COMMIT: [Effect; 6] = [
    Effect::KillBefore,
    Effect::KillAfter,
    Effect::Unavailable,
    Effect::UnavailableAfterCommit,
    Effect::Conflict,
    Effect::Full,
];
const OF_READ: [Effect; 2] = [Effect::KillBefore, Effect::Unavailable];

/// The history of a seed: the same one each time.
pub(crate) fn of_seed(seed: u64) -> History {
    let mut rng = Rng::with_seed(seed);
    let gyms: Vec<Gym> = (0..rng.usize(1..=3)).map(|_| gym(&mut rng)).collect();
    let knobs = knobs(&mut rng);
    let length = rng.usize(5..60);
    let is_calm = rng.u8(0..4) == 0;
    let mut steps: Vec<Step> = (0..length)
        .map(|_| {
            let what = what(&mut rng);
            let faults = if is_calm { Vec::new() } else { faults(&mut rng) };
            Step { gym: rng.usize(0..gyms.len()), what, faults }
        })
        .collect();
    if rng.bool() {
        let gym = rng.usize(0..gyms.len());
        let story = story(&mut rng, gym, gyms[gym].members, gyms[gym].lease_days > 0);
        let place = rng.usize(0..=steps.len());
        steps.splice(place..place, story);
    }
    let mut history = History { gyms, knobs, steps, last_events: rng.bool(), order: (0..EMAILS).collect() };
    // A generator of its own: what it draws changes nothing else of a seed.
    let mut rng = Rng::with_seed(!seed);
    rng.shuffle(&mut history.order);
    if rng.bool() {
        for _ in 0..rng.usize(1..6) {
            let place = rng.usize(0..=history.steps.len());
            let gym = rng.usize(0..history.gyms.len());
            history.steps.splice(place..place, replaced(&mut rng, gym));
        }
    }
    history
}

/// A member has other memberships, and often an event says so.
fn replaced(rng: &mut Rng, gym: usize) -> Vec<Step> {
    let who = rng.usize(0..MEMBERS);
    let memberships = (0..rng.usize(0..3)).map(|_| given(rng)).collect();
    let mut acts = vec![What::Replace { who, memberships }];
    if rng.bool() {
        acts.push(What::Replay { who });
    }
    acts.into_iter().map(|what| Step { gym, what, faults: Vec::new() }).collect()
}

fn given(rng: &mut Rng) -> Given {
    use MembershipStatus::{Active, Cancelled, Expired, Frozen};
    let mut hours = |chance: u8| (rng.u8(0..10) < chance).then(|| rng.i64(-120..360));
    let (starts, ends, overdue, frozen_until) = (hours(4), hours(4), hours(2), hours(4));
    let status = *pick(rng, &[Active, Active, Active, Active, Frozen, Cancelled, Expired]);
    Given { plan: rng.usize(0..PLANS.len()), status, starts, ends, overdue, frozen_until }
}

fn gym(rng: &mut Rng) -> Gym {
    Gym {
        grace_days: *pick(rng, &[0, 0, 2]),
        lease_days: *pick(rng, &[0, 0, 0, 7]),
        members: rng.usize(2..=MEMBERS),
    }
}

fn knobs(rng: &mut Rng) -> Knobs {
    Knobs {
        rate_limit: false,
        duplicate_role_assignment: *pick(
            rng,
            &[
                DuplicateRoleAssignment::IdenticalDatesConflict,
                DuplicateRoleAssignment::AlwaysConflict,
                DuplicateRoleAssignment::Stack,
            ],
        ),
        validity_in_patch: *pick(rng, &[ValidityInPatch::Honoured, ValidityInPatch::Ignored]),
        duplicate_user: *pick(rng, &[DuplicateUser::Conflict, DuplicateUser::Unprocessable]),
        email_filter_case: *pick(rng, &[EmailFilterCase::Insensitive, EmailFilterCase::Sensitive]),
        second_role: *pick(rng, &[SecondRole::Unprocessable, SecondRole::Allowed]),
        email_lag_ms: *pick(rng, &[0, 0, 0, 30_000]),
        role_assignments_of_deleted_user: *pick(
            rng,
            &[RoleAssignmentsOfDeletedUser::Empty, RoleAssignmentsOfDeletedUser::NotFound],
        ),
        ..Knobs::default()
    }
}

fn what(rng: &mut Rng) -> What {
    let who = rng.usize(0..MEMBERS);
    let nth = rng.usize(0..8);
    match rng.u32(0..100) {
        0..=13 => What::Buy {
            who,
            plan: rng.usize(0..PLANS.len()),
            starts_in_hours: *pick(rng, &[-24, 0, 0, 5, 100]),
            lasts_hours: *pick(rng, &[None, Some(3), Some(30), Some(300)]),
        },
        14..=25 => What::Change { who, nth, how: change(rng) },
        26..=28 => What::Block { who, blocked: true },
        29..=30 => What::Block { who, blocked: false },
        31..=35 => What::Email {
            who,
            email: if rng.u8(0..8) == 0 { None } else { Some(rng.usize(0..EMAILS)) },
            spelling: *pick(rng, &[Spelling::Plain, Spelling::Plain, Spelling::Upper, Spelling::Blanks]),
        },
        36 => What::Rename { who, name: rng.usize(0..3) },
        37..=38 => What::Delete { who },
        39..=40 => What::Map { mapping: rng.usize(0..MAPPINGS.len()) },
        41..=49 => What::Staff(staff(rng)),
        50..=69 => What::Deliver { nth, again: rng.u8(0..5) == 0 },
        70..=71 => What::Replay { who },
        72..=73 => What::Lose { nth },
        74..=79 => What::Tick { calls: *pick(rng, &[4, 7, 20, 1_000]) },
        80..=86 => What::Sync {
            preview: rng.u8(0..4) == 0,
            calls: *pick(rng, &[4, 7, 30, 1_000]),
            steps: rng.usize(1..6),
        },
        87 => What::Confirm,
        88 => What::Cancel,
        89..=90 => What::Connect,
        91 => match rng.u8(0..3) {
            0 => What::Damage { who },
            _ => What::Explain { who, verify: rng.bool() },
        },
        92 => What::Login { who },
        93 => What::Unlock { who },
        94 => What::Alone { days: rng.u64(1..=9) },
        95..=96 => What::Pass { minutes: *pick(rng, &[1, 60, 600, 1_500, 6_000]) },
        97 => What::Skew { minutes: rng.i64(-4..=4) },
        _ => What::Storm { requests: rng.usize(1..12), status: *pick(rng, &[429, 500, 503]) },
    }
}

fn change(rng: &mut Rng) -> Change {
    match rng.u32(0..8) {
        0 => Change::Renew,
        1 => Change::Freeze { hours: *pick(rng, &[None, Some(10), Some(100)]) },
        2 => Change::Resume,
        3 => Change::Cancel,
        4 => Change::Expire,
        5 => Change::Overdue,
        6 => Change::Pay,
        _ => Change::Plan(rng.usize(0..PLANS.len())),
    }
}

fn staff(rng: &mut Rng) -> Staff {
    match rng.u32(0..20) {
        0..=8 => {
            let (person, group) = (rng.usize(0..EMAILS + 2), rng.usize(0..GROUPS.len()));
            // A manager's role has no end: how Kisi treats one that is over is not known.
            let elevated = rng.u8(0..4) == 0;
            let lasts_hours = if elevated { None } else { *pick(rng, &[None, None, Some(50)]) };
            Staff::Assign { person, group, elevated, lasts_hours }
        }
        9..=13 => Staff::Unassign { nth: rng.usize(0..10) },
        14 => Staff::Promote { nth: rng.usize(0..10) },
        15 => Staff::DeleteGroup { group: rng.usize(0..GROUPS.len()) },
        16 => Staff::RenameGroup { group: rng.usize(0..GROUPS.len()) },
        17 => Staff::DeleteUser { nth: rng.usize(0..6) },
        _ => Staff::RotateKey,
    }
}

fn faults(rng: &mut Rng) -> Vec<Fault> {
    let count = *pick(rng, &[0, 0, 0, 1, 1, 2]);
    let fault = |rng: &mut Rng| match rng.u32(0..10) {
        0..=5 => Fault { at: At::Request(rng.usize(0..6)), effect: *pick(rng, &OF_REQUEST) },
        6..=8 => Fault { at: At::Commit(rng.usize(0..6)), effect: *pick(rng, &OF_COMMIT) },
        _ if rng.bool() => Fault { at: At::Read(rng.usize(0..10)), effect: *pick(rng, &OF_READ) },
        _ => Fault { at: At::Directory(rng.usize(0..3)), effect: *pick(rng, &OF_READ) },
    };
    (0..count).map(|_| fault(rng)).collect()
}

/// One of the choices, each with the same chance.
pub(crate) fn pick<'a, T>(rng: &mut Rng, choices: &'a [T]) -> &'a T {
    &choices[rng.usize(0..choices.len())]
}

/// Kisi as it is at the start: an organization a gym.
pub(crate) fn kisi(gyms: usize) -> Seed {
    let mut text = "start_time = \"2026-12-01T08:00:00.000Z\"\n".to_string();
    for gym in 0..gyms {
        text.push_str(&format!(
            r#"
            [[organizations]]
            name = "Gym {gym}"
            domain = "gym{gym}"
            places = [{{ name = "Main Street" }}]
            locks = [{{ name = "Front door" }}, {{ name = "Sauna" }}, {{ name = "Water" }}]
            groups = [
                {{ name = "Gym", locks = ["Front door"] }},
                {{ name = "Spa", locks = ["Front door", "Sauna"] }},
                {{ name = "Pool", locks = ["Water"] }},
            ]
            "#
        ));
    }
    Seed::from_toml(&text).expect("the seed holds together")
}

/// Smaller histories that might fail in the same way, the smallest first.
pub(crate) fn smaller(history: &History) -> Vec<History> {
    let mut all = Vec::new();
    let steps = history.steps.len();
    let mut size = steps / 2;
    while size > 0 {
        for start in (0..steps).step_by(size) {
            let mut shorter = history.clone();
            shorter.steps.drain(start..(start + size).min(steps));
            all.push(shorter);
        }
        size /= 2;
    }
    for (index, step) in history.steps.iter().enumerate() {
        for fault in 0..step.faults.len() {
            let mut calmer = history.clone();
            calmer.steps[index].faults.remove(fault);
            all.push(calmer);
        }
    }
    all
}
