//! The fewest calls: an event of a known member costs its edits, a first-time member one look-up more, and an event that
//! changes nothing costs nothing.

use door_access_host::contract::types::{Member, MemberStatus, MembershipStatus, Payment};
use door_access_testkit::{DAY, START, World, member, membership};

/// What happens on the platform, by name, and what it does to the member in the directory.
type Step = (&'static str, fn(&mut Member));

const ANN: &str = "ann";

const DAYS_OF_A_GYM: [Step; 14] = [
    ("first purchase", |ann| ann.memberships.push(membership("ms-1", "basic"))),
    ("same event again", |_| {}),
    ("plan changed", |ann| ann.memberships[0].plan = "gold".to_string()),
    ("frozen", |ann| ann.memberships[0].status = MembershipStatus::Frozen),
    ("unfrozen", |ann| ann.memberships[0].status = MembershipStatus::Active),
    ("payment overdue", |ann| ann.memberships[0].payment = Payment::Overdue(START)),
    ("payment recovered", |ann| ann.memberships[0].payment = Payment::Paid),
    ("cancelled for later", |ann| ann.memberships[0].ends_at = Some(START + 30 * DAY)),
    ("renewed", |ann| ann.memberships[0].ends_at = Some(START + 60 * DAY)),
    ("renewed again", |ann| ann.memberships[0].ends_at = Some(START + 90 * DAY)),
    ("name changed", |ann| ann.name = "Ann Lee".to_string()),
    ("second membership", |ann| ann.memberships.push(membership("ms-2", "basic"))),
    ("first one cancelled", |ann| ann.memberships[0].status = MembershipStatus::Cancelled),
    ("replay of it all", |_| {}),
];

#[test]
fn an_event_of_a_known_member_costs_exactly_its_edits() {
    let world = World::gym(vec![member(ANN, Vec::new())]);
    let mut table = vec![format!("{:<22}{:>7}{:>7}  {}", "event", "calls", "edits", "what was sent")];
    for (event, change) in DAYS_OF_A_GYM {
        world.directory.update(ANN, change);
        world.settle(ANN);
        let calls = world.calls();
        let edits = calls.iter().filter(|call| !call.starts_with("GET")).count();
        let row = format!("{event:<22}{:>7}{edits:>7}  {}", calls.len(), calls.join(", "));
        table.push(row.trim_end().to_string());
    }
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("calls_per_event", table.join("\n"));
    });
}

#[test]
fn a_blocked_member_is_cleared_by_one_list_and_the_removals_and_then_costs_nothing() {
    let world = World::gym(vec![member(ANN, vec![membership("ms-1", "gold")])]);
    world.settle(ANN);
    world.calls();
    world.directory.update(ANN, |ann| ann.status = MemberStatus::Blocked);
    world.settle(ANN);
    let calls = world.calls();
    assert_eq!(calls.iter().filter(|call| call.starts_with("GET")).count(), 1, "{calls:#?}");
    assert_eq!(calls.iter().filter(|call| call.starts_with("DELETE")).count(), 2, "{calls:#?}");
    world.settle(ANN);
    assert_eq!(world.calls(), Vec::<String>::new(), "a repeated block needs no request");
}

#[test]
fn members_who_are_entitled_to_nothing_cost_nothing() {
    let mut frozen = membership("ms-1", "gold");
    frozen.status = MembershipStatus::Frozen;
    let mut no_email = member("no-email", vec![membership("ms-3", "gold")]);
    no_email.email = Some("  ".to_string());
    let world = World::gym(vec![
        member("frozen", vec![frozen]),
        member("towel", vec![membership("ms-2", "towel service")]),
        member("nothing", Vec::new()),
        no_email,
    ]);
    for id in ["frozen", "towel", "nothing", "no-email", "never heard of"] {
        world.settle(id);
        assert_eq!(world.calls(), Vec::<String>::new(), "{id}");
    }
}
