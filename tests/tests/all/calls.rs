//! The fewest calls: an event of a known member costs its edits and nothing else, a first-time member one look-up
//! more, and an event that changes nothing costs nothing.

use door_access_host::contract::types::{MemberStatus, MembershipStatus, Payment};
use kisi_sim::Knobs;

use crate::world::{Arm, DAY, SETTINGS, START, World, member, membership};

/// What happens on the platform, by name, and what it does to the member in the directory.
type Step = (&'static str, fn(&World));

const ANN: &str = "ann";

const DAY_OF_A_GYM: [Step; 14] = [
    ("first purchase", |world| {
        world.directory.insert(member(ANN, vec![membership("ms-1", "basic")]));
    }),
    ("same event again", |_| {}),
    ("plan changed", |world| change(world, |ann| ann.memberships[0].plan = "gold".to_string())),
    ("frozen", |world| change(world, |ann| ann.memberships[0].status = MembershipStatus::Frozen)),
    ("unfrozen", |world| change(world, |ann| ann.memberships[0].status = MembershipStatus::Active)),
    ("payment overdue", |world| change(world, |ann| ann.memberships[0].payment = Payment::Overdue(START))),
    ("payment recovered", |world| change(world, |ann| ann.memberships[0].payment = Payment::Paid)),
    ("cancelled for later", |world| change(world, |ann| ann.memberships[0].ends_at = Some(START + 30 * DAY))),
    ("renewed", |world| change(world, |ann| ann.memberships[0].ends_at = Some(START + 60 * DAY))),
    ("renewed again", |world| change(world, |ann| ann.memberships[0].ends_at = Some(START + 90 * DAY))),
    ("name changed", |world| change(world, |ann| ann.name = "Ann Lee".to_string())),
    ("second membership", |world| change(world, |ann| ann.memberships.push(membership("ms-2", "basic")))),
    ("first one cancelled", |world| {
        change(world, |ann| ann.memberships[0].status = MembershipStatus::Cancelled);
    }),
    ("replay of it all", |_| {}),
];

fn change(world: &World, change: impl FnOnce(&mut door_access_host::contract::types::Member)) {
    assert!(world.directory.update(ANN, change), "the member exists");
}

fn gym(arm: Arm) -> World {
    World::connected(arm, Knobs::default(), SETTINGS, &[("basic", &["Gym"]), ("gold", &["Gym", "Spa"])])
}

#[test]
fn an_event_of_a_known_member_costs_exactly_its_edits() {
    for arm in [Arm::Component, Arm::Native] {
        let world = gym(arm);
        let mut table = vec![format!("{:<22}{:>7}{:>7}  {}", "event", "calls", "edits", "what was sent")];
        for (event, change) in DAY_OF_A_GYM {
            change(&world);
            world.settle(ANN);
            let calls = world.calls();
            let edits = calls.iter().filter(|call| !call.starts_with("GET")).count();
            let row = format!("{event:<22}{:>7}{edits:>7}  {}", calls.len(), calls.join(", "));
            table.push(row.trim_end().to_string());
        }
        let table = table.join("\n");
        println!("{arm:?}\n{table}");
        insta::assert_snapshot!("calls_per_event", table);
    }
}

#[test]
fn a_blocked_member_is_cleared_by_one_list_and_the_removals_and_then_costs_nothing() {
    let world = gym(Arm::Component);
    world.directory.insert(member(ANN, vec![membership("ms-1", "gold")]));
    world.settle(ANN);
    world.calls();
    change(&world, |ann| ann.status = MemberStatus::Blocked);
    world.settle(ANN);
    let calls = world.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("GET")).count(), 1, "{calls:#?}");
    assert_eq!(calls.iter().filter(|call| call.starts_with("DELETE")).count(), 2, "{calls:#?}");
    world.settle(ANN);
    assert_eq!(world.calls(), Vec::<String>::new(), "a repeated block needs no look");
}

#[test]
fn members_who_are_entitled_to_nothing_cost_nothing() {
    let world = gym(Arm::Component);
    let mut frozen = membership("ms-1", "gold");
    frozen.status = MembershipStatus::Frozen;
    world.directory.insert(member("frozen", vec![frozen]));
    world.directory.insert(member("towel", vec![membership("ms-2", "towel service")]));
    world.directory.insert(member("nothing", Vec::new()));
    let mut nobody = member("nobody", vec![membership("ms-3", "gold")]);
    nobody.email = Some("  ".to_string());
    world.directory.insert(nobody);
    for id in ["frozen", "towel", "nothing", "nobody", "never heard of"] {
        world.settle(id);
        assert_eq!(world.calls(), Vec::<String>::new(), "{id}");
    }
}
