//! Hostile input from Kisi, storage, the directory or a person: no trap, no endless call, no limit exceeded, but an answer
//! or an error of the contract.
//!
//! This is bounded fuzzing by mutation of real input. `FUZZ_SEED` and `FUZZ_CASES` repeat a run or make it longer; a failure
//! names its seed.

use bytes::Bytes;
use door_access_host::CallError;
use door_access_host::contract::access::Device;
use door_access_host::contract::connection::Departure;
use door_access_host::contract::sync::Mode;
use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment};
use door_access_testkit::{DAY, MAPPING, Native, SETTINGS, World, member, membership, phone, settings};
use fastrand::Rng;
use kisi_plugin::contract::events::{Event, EventKind};

use crate::command::desk::{Desk, Installation};

const MEMBERS: [&str; 4] = ["ann", "ben", "cleo", "dan"];

/// Pieces that break parsers.
const TOKENS: [&str; 24] = [
    "null",
    "true",
    "[]",
    "{}",
    "[",
    "{",
    "\"",
    "\\u0000",
    "\\ud800",
    "\\",
    "-1",
    "0",
    "1e999",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "0.5",
    "\u{feff}",
    "\u{202e}",
    ",",
    ":",
    "\"id\":",
    "\"2026-13-45T99:99:99Z\"",
    "\"+275760-09-13T00:00:00.001Z\"",
    "\"0000-00-00\"",
];

fn cases(name: &str, run: impl Fn(&mut Rng)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let first = number("FUZZ_SEED").unwrap_or(1);
    for seed in first..first + number("FUZZ_CASES").unwrap_or(60) {
        let told = std::panic::AssertUnwindSafe(|| run(&mut Rng::with_seed(seed)));
        if let Err(panic) = std::panic::catch_unwind(told) {
            println!("{name}: FUZZ_SEED={seed} FUZZ_CASES=1 repeats this");
            std::panic::resume_unwind(panic);
        }
    }
}

/// Changes some bytes of a text, as a broken or hostile writer would.
fn mutate(rng: &mut Rng, text: &[u8]) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(0..=text.len());
        let end = (at + rng.usize(0..40)).min(text.len());
        match rng.u8(0..9) {
            0 => text.truncate(at),
            1 if at < text.len() => text[at] = rng.u8(..),
            2 => drop(text.splice(at..end, [])),
            3 => drop(text.splice(at..at, rng.choice(TOKENS).unwrap().bytes())),
            4 => drop(text.splice(at..end, rng.choice(TOKENS).unwrap().bytes())),
            5 => {
                let again = text[at..end].to_vec();
                text.splice(at..at, again);
            }
            6 => {
                // A number becomes another one.
                let digits: Vec<usize> = (0..text.len()).filter(|&at| text[at].is_ascii_digit()).collect();
                if let Some(&at) = rng.choice(&digits) {
                    let digit = rng.choice(TOKENS).unwrap();
                    text.splice(at..=at, digit.bytes());
                }
            }
            7 => {
                let depth = rng.usize(1..3_000);
                text.splice(at..at, std::iter::repeat_n(*rng.choice(b"[{").unwrap(), depth));
            }
            _ => drop(text.splice(at..at, std::iter::repeat_n(b'9', rng.usize(1..2_000)))),
        }
    }
    text
}

fn mangled(rng: &mut Rng, response: http::Response<Bytes>) -> http::Response<Bytes> {
    if rng.u8(0..3) == 0 {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    match rng.u8(0..8) {
        0 => parts.status = http::StatusCode::from_u16(rng.u16(200..600)).unwrap(),
        1 | 2 => {
            let names = ["x-collection-range", "retry-after", "content-type", "content-length"];
            let value = match rng.u8(0..3) {
                0 => (*rng.choice(TOKENS).unwrap()).to_string(),
                1 => format!("{}-{}/{}", rng.u64(..), rng.u64(..), rng.u64(..)),
                _ => format!("0-0/{}", rng.u8(..)),
            };
            if let Ok(value) = http::HeaderValue::from_str(&value) {
                parts.headers.insert(rng.choice(names).unwrap(), value);
            }
        }
        _ => {}
    }
    let body = if rng.u8(0..4) == 0 { body.to_vec() } else { mutate(rng, &body) };
    http::Response::from_parts(parts, body.into())
}

fn gym() -> World {
    let plan = |number: usize| if number.is_multiple_of(2) { "gold" } else { "basic" };
    let one = |(number, id): (usize, &&str)| member(id, vec![membership("ms-1", plan(number))]);
    let world = World::gym(MEMBERS.iter().enumerate().map(one).collect());
    for id in &MEMBERS[..3] {
        world.settle(id);
    }
    world
}

/// Ten random calls of the contract. Their answers do not matter; each must have one.
fn use_everything(world: &World, rng: &mut Rng) {
    for _ in 0..10 {
        world.run(any_call(world, rng)).unwrap_or_else(|error| panic!("{error}"));
    }
}

async fn any_call(world: &World, rng: &mut Rng) -> Result<(), CallError> {
    let tenant = world.tenant();
    let id = rng.choice(MEMBERS).unwrap();
    let device = Device { bluetooth: None, location: Some(true), signed_in: None };
    match rng.u8(0..13) {
        0 => tenant.connect(SETTINGS).await.map(drop),
        1 => tenant.refresh_groups().await.map(drop),
        2 | 3 => tenant.handle(&world.event(id)).await.map(drop),
        4 | 5 => tenant.tick(200).await.map(drop),
        6 => {
            let mode = if rng.bool() { Mode::Apply } else { Mode::Preview };
            let Ok(job) = tenant.start_sync(mode).await? else { return Ok(()) };
            for _ in 0..4 {
                tenant.step_sync(&job, 50).await?.ok();
            }
            tenant.confirm_sync(&job).await?.ok();
            tenant.step_sync(&job, 50).await.map(drop)
        }
        7 => tenant.explain(id, device, true).await.map(drop),
        8 => {
            let doors = tenant.list_doors(id).await?.unwrap_or_default();
            let door = doors.first().map_or("1", |door| door.id.as_str());
            tenant.unlock(id, door).await.map(drop)
        }
        9 => tenant.issue_login(id, &phone()).await.map(drop),
        10 => tenant.status().await.map(drop),
        11 => {
            world.go_to(world.now() + DAY / 2);
            Ok(())
        }
        _ => {
            let what = if rng.bool() { Departure::Leave } else { Departure::RemoveGranted };
            tenant.disconnect(what, None, 20).await?.ok();
            tenant.connect(SETTINGS).await.map(drop)
        }
    }
}

#[test]
fn hostile_answers_of_kisi_end_in_an_answer_or_an_error_of_the_contract() {
    cases("answers", |rng| {
        let world = gym();
        let mut of_answers = rng.fork();
        world.boundary.mangle(move |response| mangled(&mut of_answers, response));
        use_everything(&world, rng);
    });
}

#[test]
fn damaged_storage_ends_in_an_answer_or_an_error_of_the_contract() {
    cases("storage", |rng| {
        let world = gym();
        if rng.bool() {
            // In the middle of a sync there is more to damage.
            world.step_sync(&world.start_sync(Mode::Apply), 4).unwrap();
        }
        for _ in 0..rng.usize(1..4) {
            let entry = rng.choice(world.storage.entries()).unwrap();
            world.store(&entry.key, &mutate(rng, &entry.value));
        }
        use_everything(&world, rng);
    });
}

#[test]
fn hostile_settings_are_accepted_or_refused_with_their_field() {
    let full = r#"{"integration":{"identifier":"Gym","contact":"doors@gym.test"},"grace_days":3,"lease_days":30,
        "on_block":"ours","missing_user":"report","invitation":"managed","brake":{"grants":5,"percent":50},
        "places":["2000001"]}"#;
    let world = gym();
    cases("settings", |rng| {
        for _ in 0..10 {
            let settings = String::from_utf8_lossy(&mutate(rng, full.as_bytes())).into_owned();
            let connected = world.run(world.tenant().connect(&settings));
            connected.unwrap_or_else(|error| panic!("{settings:?}: {error}")).ok();
        }
    });
}

/// A member that no platform should send.
fn strange(rng: &mut Rng, id: &str) -> Member {
    let moment = |rng: &mut Rng| match rng.u8(0..6) {
        0 => None,
        1 => Some(0),
        2 => Some(u64::MAX),
        3 => Some(u64::MAX / 1_000),
        4 => Some(i64::MAX as u64),
        _ => Some(rng.u64(..)),
    };
    let text = |rng: &mut Rng| match rng.u8(0..7) {
        0 => String::new(),
        1 => "\0\r\n\u{1b}[2J".to_string(),
        2 => "\u{202e}\u{feff}\u{1f3cb}".repeat(20),
        3 => "x".repeat(rng.usize(1..20_000)),
        4 => "a\"b\\c/../\u{1f}%00&limit=0".to_string(),
        5 => "ann@gym.test".to_string(),
        _ => format!("  {id}@GYM.test "),
    };
    let status = |rng: &mut Rng| {
        let all = [
            MembershipStatus::Active,
            MembershipStatus::Active,
            MembershipStatus::Frozen,
            MembershipStatus::Cancelled,
            MembershipStatus::Expired,
        ];
        *rng.choice(&all).unwrap()
    };
    let memberships = (0..rng.usize(0..30))
        .map(|number| Membership {
            id: if rng.bool() { text(rng) } else { number.to_string() },
            plan: match rng.u8(0..3) {
                0 => "gold".to_string(),
                1 => "basic".to_string(),
                _ => text(rng),
            },
            location: if rng.bool() { None } else { Some(text(rng)) },
            status: status(rng),
            starts_at: moment(rng),
            ends_at: moment(rng),
            payment: match moment(rng) {
                Some(since) if rng.bool() => Payment::Overdue(since),
                _ => Payment::Paid,
            },
            frozen_until: moment(rng),
        })
        .collect();
    Member {
        id: id.to_string(),
        name: text(rng),
        email: if rng.u8(0..5) == 0 { None } else { Some(text(rng)) },
        status: if rng.u8(0..6) == 0 { MemberStatus::Blocked } else { MemberStatus::Active },
        memberships,
    }
}

#[test]
fn hostile_members_in_the_directory_end_in_an_answer_or_an_error_of_the_contract() {
    cases("directory", |rng| {
        let world = gym();
        for id in MEMBERS {
            world.directory.insert(strange(rng, id));
        }
        use_everything(&world, rng);
    });
}

/// Uses the plugin compiled for this machine, where an overflow panics.
#[test]
fn strange_dates_of_members_overflow_nothing() {
    cases("dates", |rng| {
        for settings in [SETTINGS.to_string(), settings(r#""grace_days":365,"lease_days":365"#)] {
            let strange = MEMBERS.map(|id| strange(rng, id));
            let world =
                World::builder().settings(&settings).mapping(MAPPING).members(strange.to_vec()).connected();
            let native = Native::new(world);
            for _ in 0..2 {
                for id in MEMBERS {
                    let occurred_at = native.world.now();
                    let (kind, member) = (EventKind::MemberChanged, id.to_string());
                    let event = Event { id: "e-1".to_string(), kind, member, occurred_at };
                    drop(kisi_plugin::exports::events::handle(&native, &event));
                }
                native.world.clock.set(native.world.now() + DAY);
            }
        }
    });
}

/// Files of the command line: each run ends with an exit code of its own and a sentence.
#[test]
fn hostile_scenarios_are_played_or_refused_with_a_sentence() {
    const SCENARIO: &str = include_str!("../../../../scenarios/membership-frozen.toml");
    cases("scenario", |rng| {
        let desk = Desk::new();
        let text = String::from_utf8_lossy(&mutate(rng, SCENARIO.as_bytes())).into_owned();
        let ran = desk.play(&text, &[]);
        assert!(ran.code <= 2, "{}: {}", ran.code, ran.err);
        assert!(ran.code != 2 || ran.err.starts_with("harness: "), "{}", ran.err);
    });
}

#[test]
fn hostile_files_of_an_installation_end_a_command_with_a_sentence() {
    let gym = Installation::mapped();
    cases("files", |rng| {
        for name in ["members.csv", "plans.csv"] {
            let good = std::fs::read_to_string(gym.path(name)).unwrap();
            gym.file(name, &String::from_utf8_lossy(&mutate(rng, good.as_bytes())));
            let ran = gym.run(&["explain", "1"]);
            gym.file(name, &good);
            assert!([0, 2, 6].contains(&ran.code), "{}: {}", ran.code, ran.err);
            assert!(ran.code != 2 || !ran.err.is_empty());
        }
        let mapping = mutate(rng, b"plan,group,location\nBasic,Entrance,\nGold,Spa,\n");
        let path = gym.file("mapping.csv", &String::from_utf8_lossy(&mapping));
        let ran = gym.run(&["map", "--file", path.to_str().unwrap()]);
        assert!([0, 2].contains(&ran.code), "{}: {}", ran.code, ran.err);
    });
}
