//! Every call of the contract. Whatever the input, each answer and each error has words.

use door_access_host::contract::types::MemberStatus;
use door_access_testkit::{DAY, Native, START};
use kisi_plugin::contract::access::Device;
use kisi_plugin::contract::connection::Departure;
use kisi_plugin::contract::doors::Phone;
use kisi_plugin::contract::events::{Event, EventKind, Outcome};
use kisi_plugin::contract::mappings::Mapping;
use kisi_plugin::contract::sync::Mode;
use kisi_plugin::contract::types::InputError;
use kisi_plugin::exports;
use kisi_plugin::stop::Stop;

use crate::gym::{MEMBERS, SETTINGS, check};

type Call = (&'static str, fn(&Native));

/// Every call of a host, by name.
pub const CALLS: [Call; 18] = [
    ("connect", |gym| input(exports::connection::connect(gym, SETTINGS))),
    ("status", |gym| done(exports::connection::status(gym))),
    ("refresh", |gym| done(exports::groups::refresh(gym))),
    ("handle a member", |gym| handle(gym, MEMBERS[0])),
    ("handle a new member", |gym| handle(gym, MEMBERS[3])),
    ("handle an unknown member", |gym| handle(gym, "nobody")),
    ("handle a blocked member", |gym| {
        gym.world.directory.update(MEMBERS[1], |member| member.status = MemberStatus::Blocked);
        handle(gym, MEMBERS[1]);
    }),
    ("tick", |gym| done(exports::maintenance::tick(gym, 200))),
    ("apply", |gym| sync(gym, Mode::Apply)),
    ("preview", |gym| sync(gym, Mode::Preview)),
    ("explain", |gym| {
        let device = Device { bluetooth: None, location: Some(true), signed_in: Some(true) };
        done(exports::access::explain(gym, MEMBERS[0], device, true));
    }),
    ("doors", |gym| done(exports::doors::list(gym, MEMBERS[0]))),
    ("unlock", |gym| done(exports::doors::unlock(gym, MEMBERS[0], "4000001"))),
    ("login", |gym| {
        let phone = Phone { brand: "A".to_string(), model: "B".to_string(), system: "C".to_string() };
        done(exports::doors::issue_login(gym, MEMBERS[0], &phone));
    }),
    ("mappings", |gym| {
        done(exports::mappings::list(gym));
        input(exports::mappings::preview(gym, &[], None));
    }),
    ("map", |gym| {
        let entry = |group: &str| Mapping { plan: "basic".into(), group: group.into(), location: None };
        input(exports::mappings::replace(gym, &[entry("3000001"), entry("7")]));
    }),
    ("leave", |gym| done(exports::disconnect::disconnect(gym, Departure::Leave, None, 20))),
    ("remove", |gym| done(exports::disconnect::disconnect(gym, Departure::RemoveGranted, None, 20))),
];

/// Makes the call with this number, then an event and a tick a day later, as a platform does.
pub fn play(gym: &Native, number: u8) {
    let (name, call) = CALLS[usize::from(number) % CALLS.len()];
    call(gym);
    check(gym, name);
    handle(gym, MEMBERS[0]);
    check(gym, "handle");
    gym.world.go_to(gym.world.now() + DAY);
    done(exports::maintenance::tick(gym, 100));
    check(gym, "tick");
}

/// An event about a member.
pub fn event(member: &str) -> Event {
    let kind = EventKind::MemberChanged;
    Event { id: "e-1".to_string(), kind, member: member.to_string(), occurred_at: START }
}

fn handle(gym: &Native, member: &str) {
    match exports::events::handle(gym, &event(member)) {
        Ok(outcomes) => outcomes.iter().for_each(has_words),
        Err(unfinished) => {
            unfinished.done.iter().for_each(has_words);
            done::<()>(Err(Box::new(unfinished.error)));
        }
    }
}

fn sync(gym: &Native, mode: Mode) {
    let Ok(job) = exports::sync::start(gym, mode) else { return };
    for _ in 0..3 {
        done(exports::sync::step(gym, &job, 50));
    }
    done(exports::sync::confirm(gym, &job));
    done(exports::sync::step(gym, &job, 50));
    done(exports::sync::status(gym));
    done(exports::sync::cancel(gym, &job));
}

fn has_words(outcome: &Outcome) {
    let texts = outcome.changes.iter().map(|change| &change.explanation);
    let texts = texts.chain(outcome.refusals.iter().map(|refusal| &refusal.explanation));
    for text in texts.chain(outcome.warnings.iter().map(|warning| &warning.explanation)) {
        assert!(!text.trim().is_empty(), "no reason in {outcome:?}");
    }
}

fn done<T>(ended: Result<T, Stop>) {
    if let Err(stop) = ended {
        assert!(!stop.message.trim().is_empty(), "an error without words: {stop:?}");
    }
}

fn input<T>(ended: Result<T, InputError>) {
    match ended {
        Ok(_) => {}
        Err(InputError::Failed(stop)) => done::<()>(Err(Box::new(stop))),
        Err(InputError::Wrong(problems)) => {
            assert!(!problems.is_empty(), "an error without a problem");
            assert!(problems.iter().all(|problem| !problem.message.trim().is_empty()), "{problems:?}");
        }
    }
}
