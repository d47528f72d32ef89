//! Whatever Kisi answers, storage gives back, the directory says or a person enters: no trap, no endless call, no limit
//! met, but an answer or an error of the contract.
//!
//! Bounded fuzzing by mutation of what is real. `FUZZ_SEED` and `FUZZ_CASES` repeat a run or make it longer; what fails
//! names its seed.

use bytes::Bytes;
use door_access_host::contract::access::Device;
use door_access_host::contract::connection::Departure;
use door_access_host::contract::doors::Phone;
use door_access_host::contract::storage::{Precondition, Write};
use door_access_host::contract::sync::Mode;
use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment};
use door_access_host::{CallError, Clock, Storage};
use fastrand::Rng;
use kisi_sim::Knobs;

use crate::world::{Arm, DAY, SETTINGS, World, member, membership};

const MAPPING: &[(&str, &[&str])] = &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])];
const MEMBERS: [&str; 4] = ["ann", "ben", "cleo", "dan"];

/// Pieces that parsers stumble over.
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
    let world = World::connected(Arm::Component, Knobs::default(), SETTINGS, MAPPING);
    for (number, id) in MEMBERS.into_iter().enumerate() {
        let plan = if number % 2 == 0 { "gold" } else { "basic" };
        world.directory.insert(member(id, vec![membership("ms-1", plan)]));
    }
    for id in &MEMBERS[..3] {
        world.settle(id);
    }
    world
}

/// Every call of the contract, some times. What a call answers is its own; it must answer.
fn use_everything(world: &World, rng: &mut Rng) {
    let tenant = world.tenant();
    let block_on = |call: &mut dyn FnMut() -> Result<(), CallError>, name: &str| {
        if let Err(error) = call() {
            panic!("{name}: {error}");
        }
    };
    for _ in 0..10 {
        let id = rng.choice(MEMBERS).unwrap();
        let run = &world.runtime;
        let device = Device { bluetooth: None, location: Some(true), signed_in: None };
        let phone = Phone { brand: "A".to_string(), model: "B".to_string(), system: "C".to_string() };
        match rng.u8(0..13) {
            0 => block_on(&mut || run.block_on(tenant.connect(SETTINGS)).map(drop), "connect"),
            1 => block_on(&mut || run.block_on(tenant.refresh_groups()).map(drop), "refresh"),
            2 | 3 => block_on(&mut || run.block_on(tenant.handle(&world.event(id))).map(drop), "handle"),
            4 | 5 => block_on(&mut || run.block_on(tenant.tick(200)).map(drop), "tick"),
            6 => {
                let mode = if rng.bool() { Mode::Apply } else { Mode::Preview };
                let mut step = || {
                    let Ok(job) = run.block_on(tenant.start_sync(mode))? else { return Ok(()) };
                    for _ in 0..4 {
                        run.block_on(tenant.step_sync(&job, 50))?.ok();
                    }
                    run.block_on(tenant.confirm_sync(&job))?.ok();
                    run.block_on(tenant.step_sync(&job, 50)).map(drop)
                };
                block_on(&mut step, "sync");
            }
            7 => block_on(&mut || run.block_on(tenant.explain(id, device, true)).map(drop), "explain"),
            8 => {
                let mut unlock = || {
                    let doors = run.block_on(tenant.list_doors(id))?.unwrap_or_default();
                    let door = doors.first().map_or("1", |door| door.id.as_str());
                    run.block_on(tenant.unlock(id, door)).map(drop)
                };
                block_on(&mut unlock, "unlock");
            }
            9 => block_on(&mut || run.block_on(tenant.issue_login(id, &phone)).map(drop), "login"),
            10 => block_on(&mut || run.block_on(tenant.status()).map(drop), "status"),
            11 => {
                world.clock.advance(std::time::Duration::from_millis(DAY / 2));
                world.sim.advance(std::time::Duration::from_millis(DAY / 2));
            }
            _ => {
                let what = if rng.bool() { Departure::Leave } else { Departure::RemoveGranted };
                let mut leave = || {
                    run.block_on(tenant.disconnect(what, None, 20))?.ok();
                    run.block_on(tenant.connect(SETTINGS)).map(drop)
                };
                block_on(&mut leave, "disconnect");
            }
        }
    }
}

#[test]
fn whatever_kisi_answers_a_call_ends_in_an_answer_or_an_error_of_the_contract() {
    cases("answers", |rng| {
        let world = gym();
        let mut of_answers = rng.fork();
        *world.wire.mangle.lock().unwrap() =
            Some(Box::new(move |response| mangled(&mut of_answers, response)));
        use_everything(&world, rng);
    });
}

#[test]
fn whatever_storage_gives_back_a_call_ends_in_an_answer_or_an_error_of_the_contract() {
    cases("storage", |rng| {
        let world = gym();
        if rng.bool() {
            // In the middle of a reconciliation, there is more to damage.
            let job = world.runtime.block_on(world.tenant().start_sync(Mode::Apply)).unwrap().unwrap();
            world.runtime.block_on(world.tenant().step_sync(&job, 4)).unwrap().unwrap();
        }
        for _ in 0..rng.usize(1..4) {
            let entries = world.storage.entries();
            let entry = rng.choice(entries).unwrap();
            let value = Some(mutate(rng, &entry.value));
            let write = Write { key: entry.key, value, requires: Precondition::None };
            world.runtime.block_on(world.storage.commit(vec![write])).unwrap();
        }
        use_everything(&world, rng);
    });
}

#[test]
fn whatever_is_entered_as_settings_is_taken_or_refused_with_its_field() {
    let full = r#"{"integration":{"identifier":"Gym","contact":"doors@gym.test"},"grace_days":3,"lease_days":30,
        "on_block":"ours","missing_user":"report","invitation":"managed","brake":{"grants":5,"percent":50},
        "places":["2000001"]}"#;
    let world = gym();
    cases("settings", |rng| {
        for _ in 0..10 {
            let settings = String::from_utf8_lossy(&mutate(rng, full.as_bytes())).into_owned();
            let connected = world.runtime.block_on(world.tenant().connect(&settings));
            match connected {
                Ok(_) => {}
                Err(error) => panic!("{settings:?}: {error}"),
            }
        }
    });
}

/// A member as no platform should send them.
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
fn whatever_the_directory_says_of_a_member_a_call_ends_in_an_answer_or_an_error_of_the_contract() {
    cases("directory", |rng| {
        let world = gym();
        for id in MEMBERS {
            world.directory.insert(strange(rng, id));
        }
        use_everything(&world, rng);
    });
}

/// Natively, where arithmetic that overflows panics.
#[test]
fn strange_dates_of_members_overflow_nothing() {
    cases("dates", |rng| {
        let settings =
            r#"{"integration":{"identifier":"G","contact":"a@b.test"},"grace_days":365,"lease_days":365}"#;
        for settings in [SETTINGS, settings] {
            let world = World::connected(Arm::Native, Knobs::default(), settings, MAPPING);
            for id in MEMBERS {
                world.directory.insert(strange(rng, id));
            }
            for _ in 0..2 {
                for id in MEMBERS {
                    drop(world.deliver(id));
                }
                world.clock.set(world.clock.now_ms() + DAY);
            }
        }
    });
}

/// What people write into files, on the command line: each ends with a word of its own and a sentence.
#[test]
fn whatever_stands_in_a_scenario_it_is_played_or_refused_with_a_sentence() {
    const SCENARIO: &str = include_str!("../../../scenarios/membership-frozen.toml");
    cases("scenario", |rng| {
        let desk = crate::command_line::Desk::new();
        let text = String::from_utf8_lossy(&mutate(rng, SCENARIO.as_bytes())).into_owned();
        let ran = desk.play(&text, &[]);
        assert!(ran.code <= 2, "{}: {}", ran.code, ran.err);
        assert!(ran.code != 2 || ran.err.starts_with("harness: "), "{}", ran.err);
    });
}

#[test]
fn whatever_stands_in_the_files_of_an_installation_a_command_ends_with_a_sentence() {
    let gym = crate::gym_folder::Gym::mapped();
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
