//! The preview of a mapping names the members and groups that a sync with this mapping then changes: for any gym, a page
//! at a time, without a request or a write.
//!
//! `PREVIEW_SEED=n` and `PREVIEW_CASES=n` choose other gyms; the seed is printed and repeats the run exactly.

use std::collections::BTreeSet;

use door_access_host::contract::mappings::{Effect, Effects, Mapping};
use door_access_host::contract::sync::{Hold, Mode, Phase};
use door_access_host::contract::types::{
    Demand, Error, InputError, Member, MemberStatus, Membership, MembershipStatus, PauseCause, Payment,
};
use door_access_testkit::{DAY, START, World, member, membership, with_email};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

const GROUPS: [&str; 4] = ["Court", "Gym", "Pool", "Spa"];
const PLANS: [&str; 3] = ["basic", "gold", "pool"];
const LOCATIONS: [&str; 2] = ["north", "south"];

/// A gym without members and without a mapping.
fn gym() -> World {
    World::builder().groups(&GROUPS).plans(&PLANS).connected()
}

fn entry(world: &World, plan: &str, group: &str) -> Mapping {
    let group = world.group(group).to_string();
    Mapping { plan: plan.to_string(), group, location: None }
}

fn entries(world: &World, mapping: &[(&str, &str)]) -> Vec<Mapping> {
    mapping.iter().map(|(plan, group)| entry(world, plan, group)).collect()
}

fn replace(world: &World, entries: &[Mapping]) {
    world.answer(world.tenant().replace_mappings(entries)).unwrap();
}

fn page(world: &World, entries: &[Mapping], after: Option<&str>) -> Result<Effects, InputError> {
    world.answer(world.tenant().preview_mappings(entries, after))
}

/// Reads the whole preview, page by page, and checks that it sends no request and stores nothing.
fn preview(world: &World, entries: &[Mapping]) -> Vec<Effect> {
    let before = world.storage.entries();
    world.calls();
    let (mut effects, mut next) = (Vec::new(), None);
    loop {
        let part = page(world, entries, next.as_deref()).unwrap();
        effects.extend(part.effects);
        assert_ne!((part.next.is_some(), &part.next), (true, &next), "a preview does not repeat a page");
        next = part.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(world.calls(), Vec::<String>::new(), "a preview sends no request");
    assert_eq!(world.storage.entries(), before, "a preview changes nothing");
    effects
}

/// A sync that is confirmed when the guard holds it.
fn sync(world: &World) {
    let mut report = world.sync(Mode::Apply);
    if report.waits == Some(Hold::Brake) {
        world.confirm_sync(&report.job);
        report = world.steps(&report.job, 1_000).unwrap();
    }
    assert_eq!(report.phase, Phase::Done);
}

fn say(effects: &[Effect]) -> Vec<String> {
    let sign = |effect: &Effect| if effect.gains { "+" } else { "-" };
    effects.iter().map(|effect| format!("{} {}{}", effect.member, sign(effect), effect.group.name)).collect()
}

#[test]
fn gains_and_losses_are_reported_by_name_for_the_members_who_have_them() {
    let world = gym();
    replace(&world, &entries(&world, &[("basic", "Gym"), ("gold", "Gym"), ("gold", "Spa")]));
    let plain = |id: &str, plan: &str| member(id, vec![membership(&format!("ms-{id}"), plan)]);
    world.directory.insert(plain("ann", "basic"));
    world.directory.insert(plain("ben", "gold"));
    // Each of these neither gains nor loses anything.
    world.directory.insert(Member { status: MemberStatus::Blocked, ..plain("blocked", "gold") });
    world.directory.insert(Member { email: None, ..plain("mailless", "gold") });
    world.directory.insert(member("nothing", vec![]));
    let mut frozen = plain("frozen", "gold");
    frozen.memberships[0].status = MembershipStatus::Frozen;
    world.directory.insert(frozen);
    // The address of another member gives nothing, before and after.
    world.directory.insert(with_email("zoe", " ANN@gym.test", "gold"));
    // A start to come counts; a second membership that gives the same keeps the group.
    let mut later = plain("later", "gold");
    later.memberships[0].starts_at = Some(START + 9 * DAY);
    world.directory.insert(later);
    world.directory.insert(member("two", vec![membership("ms-1", "gold"), membership("ms-2", "basic")]));

    let wanted = entries(&world, &[("basic", "Gym"), ("basic", "Pool"), ("gold", "Pool")]);
    assert_eq!(
        say(&preview(&world, &wanted)),
        [
            "ann +Pool",
            "ben +Pool",
            "ben -Gym",
            "ben -Spa",
            "later +Pool",
            "later -Gym",
            "later -Spa",
            "two +Pool",
            "two -Spa",
        ]
    );
    let same = entries(&world, &[("gold", "Spa"), ("gold", "Gym"), ("basic", "Gym")]);
    assert_eq!(preview(&world, &same), [], "another order is no other mapping");
    // A group that was deleted in Kisi is neither gained nor lost.
    world.sim.delete_group(world.group("Spa"));
    world.settle("ben");
    assert_eq!(say(&preview(&world, &entries(&world, &[("basic", "Gym"), ("gold", "Gym")]))), [""; 0]);
}

#[test]
fn a_preview_checks_entries_as_replacing_the_mapping_does() {
    let world = gym();
    replace(&world, &entries(&world, &[("basic", "Gym")]));
    let good = entry(&world, "basic", "Gym");
    let bad = [
        good.clone(),
        Mapping { plan: "platinum".to_string(), ..good.clone() },
        Mapping { group: "1".to_string(), ..good.clone() },
        good.clone(),
    ];
    let stored = world.storage.entries();
    let previewed = page(&world, &bad, None).unwrap_err();
    let replaced = world.answer(world.tenant().replace_mappings(&bad)).unwrap_err();
    assert_eq!(previewed, replaced);
    let InputError::Wrong(problems) = &previewed else { panic!("{previewed:?}") };
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["mappings[1].plan", "mappings[2].group", "mappings[3]"]);
    let many: Vec<Mapping> =
        (0..1_001).map(|n| Mapping { location: Some(n.to_string()), ..good.clone() }).collect();
    let too_many = page(&world, &many, None).unwrap_err();
    assert!(matches!(too_many, InputError::Wrong(problems) if problems[0].path == "mappings"));
    assert_eq!(page(&world, &many[..1_000], None).map(|page| page.effects), Ok(vec![]));
    assert_eq!(world.storage.entries(), stored);

    let fresh = World::builder().groups(&GROUPS).plans(&PLANS).build();
    let refused = page(&fresh, &[], None).unwrap_err();
    let InputError::Failed(Error { demand, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(demand, Demand::Pause(PauseCause::NotConnected));
}

#[test]
fn a_preview_of_thousands_of_members_comes_in_pages_of_bounded_size() {
    let mut world = gym();
    let recorder = world.record();
    for number in 0..3_000 {
        let id = format!("m-{number:05}");
        world.directory.insert(member(&id, vec![membership(&format!("ms-{number}"), "basic")]));
    }
    let wanted = entries(&world, &GROUPS.map(|group| ("basic", group)));
    recorder.take();
    let (mut members, mut pages, mut next) = (BTreeSet::new(), 0, None);
    loop {
        let part = page(&world, &wanted, next.as_deref()).unwrap();
        let of_page: BTreeSet<String> = part.effects.iter().map(|effect| effect.member.clone()).collect();
        assert!(of_page.len() <= 500, "{} members in a page", of_page.len());
        assert_eq!(part.effects.len(), of_page.len() * GROUPS.len());
        assert!(of_page.is_disjoint(&members), "no member is reported twice");
        members.extend(of_page);
        pages += 1;
        next = part.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(members.len(), 3_000);
    assert!(pages >= 6, "{pages} pages");
    let peaks: Vec<u64> = recorder.take().calls.iter().map(|call| call.memory_bytes_peak).collect();
    let (first, most) = (peaks[0], peaks.iter().max().copied().unwrap());
    assert!(most <= first + 128 * 1_024, "each page takes as much memory as the first: {peaks:?}");
}

/// A member of a random gym: plan, location, start and status of each membership, and the address.
#[derive(Debug, Clone)]
struct Person {
    memberships: Vec<Membership>,
    /// Absent; another's; or their own.
    email: Option<bool>,
    is_blocked: bool,
}

#[derive(Debug, Clone)]
struct Case {
    people: Vec<Person>,
    /// Plan, group, location.
    before: BTreeSet<(usize, usize, Option<usize>)>,
    after: BTreeSet<(usize, usize, Option<usize>)>,
}

fn random_membership() -> impl Strategy<Value = Membership> {
    let status = prop_oneof![
        5 => Just(MembershipStatus::Active),
        1 => Just(MembershipStatus::Frozen),
        1 => Just(MembershipStatus::Cancelled),
    ];
    let start = prop::option::weighted(0.3, (0..10_u64).prop_map(|day| START - 5 * DAY + day * DAY));
    let location = prop::option::of(0..LOCATIONS.len());
    (0..PLANS.len(), location, status, start, prop::bool::weighted(0.1)).prop_map(
        |(plan, location, status, starts_at, is_owed)| Membership {
            location: location.map(|index| LOCATIONS[index].to_string()),
            status,
            starts_at,
            payment: if is_owed { Payment::Overdue(START - DAY) } else { Payment::Paid },
            ..membership(&format!("ms-{plan}"), PLANS[plan])
        },
    )
}

fn random_person() -> impl Strategy<Value = Person> {
    let email = prop::option::weighted(0.9, prop::bool::weighted(0.9));
    (prop::collection::vec(random_membership(), 0..3), email, prop::bool::weighted(0.1))
        .prop_map(|(memberships, email, is_blocked)| Person { memberships, email, is_blocked })
}

fn mapping() -> impl Strategy<Value = BTreeSet<(usize, usize, Option<usize>)>> {
    let entry = (0..PLANS.len(), 0..GROUPS.len(), prop::option::weighted(0.3, 0..LOCATIONS.len()));
    prop::collection::btree_set(entry, 0..7)
}

fn case() -> impl Strategy<Value = Case> {
    (prop::collection::vec(random_person(), 1..12), mapping(), mapping())
        .prop_map(|(people, before, after)| Case { people, before, after })
}

/// The members of each group in Kisi, by address.
fn held(world: &World) -> BTreeSet<(String, String)> {
    let users = world.sim.state().users;
    let of = |email: String| world.names_of(&email).into_iter().map(move |group| (email.clone(), group));
    users.into_iter().flat_map(|user| of(user.email)).collect()
}

fn check(case: &Case) {
    let world = gym();
    let people: Vec<Member> = case
        .people
        .iter()
        .enumerate()
        .map(|(index, person)| {
            let id = format!("m-{index:02}");
            let own = format!("{id}@gym.test");
            Member {
                email: person.email.map(|is_own| if is_own { own } else { "family@gym.test".to_string() }),
                status: if person.is_blocked { MemberStatus::Blocked } else { MemberStatus::Active },
                ..member(&id, person.memberships.clone())
            }
        })
        .collect();
    for person in &people {
        world.directory.insert(person.clone());
    }
    let entries = |mapping: &BTreeSet<(usize, usize, Option<usize>)>| -> Vec<Mapping> {
        let one = |&(plan, group, location): &(usize, usize, Option<usize>)| Mapping {
            location: location.map(|index| LOCATIONS[index].to_string()),
            ..entry(&world, PLANS[plan], GROUPS[group])
        };
        mapping.iter().map(one).collect()
    };
    replace(&world, &entries(&case.before));
    sync(&world);
    let before = held(&world);

    let wanted = entries(&case.after);
    let foreseen: BTreeSet<(String, String, bool)> = preview(&world, &wanted)
        .into_iter()
        .map(|effect| {
            let person = people.iter().find(|person| person.id == effect.member).unwrap();
            (person.email.clone().unwrap(), effect.group.name, effect.gains)
        })
        .collect();

    replace(&world, &wanted);
    sync(&world);
    let after = held(&world);
    let gained = after.difference(&before).map(|(who, group)| (who.clone(), group.clone(), true));
    let lost = before.difference(&after).map(|(who, group)| (who.clone(), group.clone(), false));
    let happened: BTreeSet<(String, String, bool)> = gained.chain(lost).collect();
    assert_eq!(foreseen, happened, "left: foreseen, right: what a sync then did");
}

#[test]
fn a_preview_foresees_what_replacing_the_mapping_and_a_sync_then_do() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("PREVIEW_SEED").unwrap_or(20_261_123);
    let cases = number("PREVIEW_CASES").and_then(|cases| u32::try_from(cases).ok()).unwrap_or(60);
    println!("PREVIEW_SEED={seed} PREVIEW_CASES={cases}");
    let config =
        Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let ran = TestRunner::new(config).run(&case(), |case| {
        check(&case);
        Ok(())
    });
    if let Err(error) = ran {
        panic!("PREVIEW_SEED={seed}: {error}");
    }
}
