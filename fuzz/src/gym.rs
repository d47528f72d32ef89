//! A gym that is connected: four members in a simulated Kisi, the plugin's storage as it is then, and a script of answers in
//! place of Kisi's.

use std::sync::LazyLock;

use door_access_host::contract::types::{Member, Payment};
use door_access_testkit::{Answered, DAY, Native, START, World, member, membership};
use kisi_plugin::contract::mappings::Mapping;
use kisi_plugin::contract::sync::Mode;
use kisi_plugin::exports;

/// The decisions of a gym, with every field that there is.
pub const SETTINGS: &str = r#"{"integration":{"identifier":"Gym","contact":"doors@gym.test"},"grace_days":3,
"lease_days":30,"on_block":"all","missing_user":"create","invitation":"managed","brake":{"grants":2,"percent":20},
"places":[]}"#;
/// The members of this gym.
pub const MEMBERS: [&str; 4] = ["ann", "ben", "cleo", "dan"];
const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];
/// Far more than four members need: a call that sends more requests has no end.
const REQUESTS_MAX: usize = 3_000;
/// The same for what is stored.
const STORED_BYTES_MAX: usize = 8 << 20;

/// What storage holds once the gym is connected, three of its members have access, and a sync is under way.
static STORED: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let gym = gym();
    exports::connection::connect(&gym, SETTINGS).expect("it connects");
    let entries = gym.world.entries(MAPPING).into_iter();
    let entries = entries.map(|entry| Mapping { plan: entry.plan, group: entry.group, location: None });
    exports::mappings::replace(&gym, &entries.collect::<Vec<_>>()).expect("it has a mapping");
    for member in &MEMBERS[..3] {
        exports::events::handle(&gym, &crate::calls::event(member)).expect("the member gets access");
    }
    let job = exports::sync::start(&gym, Mode::Apply).expect("a sync starts");
    exports::sync::step(&gym, &job, 4).expect("it makes a step");
    stored(&gym)
});

/// The connected gym, with these answers in place of Kisi's.
pub fn connected(answers: Vec<Option<Answered>>) -> Native {
    let gym = gym();
    for id in &MEMBERS[..3] {
        gym.world.by_hand(&format!("{id}@gym.test"), &["Gym", "Spa"]);
    }
    for (key, value) in STORED.iter() {
        gym.world.store(key, value);
    }
    gym.script.replace(answers.into());
    gym
}

fn gym() -> Native {
    let members = MEMBERS.iter().enumerate().map(one).collect();
    let gym = Native::new(World::builder().mapping(MAPPING).members(members).build());
    gym.requests_max.set(REQUESTS_MAX);
    gym
}

fn one((number, id): (usize, &&str)) -> Member {
    let mut membership = membership("ms-1", if number.is_multiple_of(2) { "gold" } else { "basic" });
    membership.ends_at = (number == 1).then_some(START + 2 * DAY);
    membership.payment = if number == 2 { Payment::Overdue(START - DAY) } else { Payment::Paid };
    member(id, vec![membership])
}

/// Keys and values in storage.
pub fn stored(gym: &Native) -> Vec<(String, Vec<u8>)> {
    gym.world.storage.entries().into_iter().map(|entry| (entry.key, entry.value)).collect()
}

/// Between two calls: the requests of the last one and the size of storage are bounded.
///
/// # Panics
/// When they are not.
pub fn check(gym: &Native, call: &str) {
    let requests = gym.requests.replace(0);
    assert!(requests < REQUESTS_MAX, "{call} sends {requests} requests");
    let stored = gym.world.storage.total_bytes();
    assert!(stored < STORED_BYTES_MAX, "{call} leaves {stored} bytes");
}
