//! Large organizations: more rows than the highest offset, and counts that follow every change. `examples/large.rs`
//! measures the time, because the tests are built without optimisation.

use kisi_sim::{Seed, Simulator};
use serde_json::{Value, json};

use crate::peer::Peer;

/// A gym whose members are all in one group, and every tenth in another one too.
fn gym(members: usize) -> Peer {
    let email = |number: usize| format!("u{number}@x.test");
    let held = |number: usize, group: &str| json!({ "user": email(number), "group": group });
    let users = (0..members).map(|number| json!({ "email": email(number) }));
    let all = (0..members).map(|number| held(number, "All"));
    let some = (0..members).step_by(10).map(|number| held(number, "Some"));
    let seed = json!({ "knobs": { "rate_limit": false }, "organizations": [{
        "groups": [{ "name": "All" }, { "name": "Some" }],
        "users": users.collect::<Value>(),
        "role_assignments": all.chain(some).collect::<Value>(),
    }] });
    let seed: Seed = serde_json::from_value(seed).unwrap();
    Peer::of(Simulator::new(seed).unwrap())
}

#[test]
fn a_group_with_more_rows_than_the_highest_offset_cannot_be_read_to_its_end() {
    let peer = gym(20_300);
    let group = peer.simulator.state().group_by_name("All").unwrap().id;
    let path = format!("/role_assignments?applies_to_type=Group&applies_to_id={group}&limit=250");
    let last = peer.get(&format!("{path}&offset=20000")).expect(200);
    assert_eq!((last.range(), last.ids().len()), ("20000-20249/20300", 250));
    peer.get(&format!("{path}&offset=20250")).expect_invalid(&["offset"]);
    // Narrower filters reach the rest.
    let user = peer.get("/users?email=u20299@x.test").ids()[0];
    let held = format!("/role_assignments?assignee_type=User&assignee_id={user}");
    assert_eq!(peer.get(&held).range(), "0-9/1");
}

#[test]
fn counts_stay_right_when_users_and_groups_are_deleted() {
    let peer = gym(50);
    let state = peer.simulator.state();
    let id = |name: &str| state.group_by_name(name).unwrap().id;
    let (all, some) = (id("All"), id("Some"));
    let count = |group: u64| {
        let row = peer.get(&format!("/groups/{group}")).json();
        assert_eq!(row["users_count"], row["members_count"]);
        let listed = peer.get(&format!("/users?group_id={group}&limit=1"));
        let total = listed.range().rsplit('/').next().unwrap().parse::<u64>().unwrap();
        assert_eq!(row["users_count"], total);
        total
    };
    assert_eq!((count(all), count(some)), (50, 5));
    let user = |number: usize| state.user_by_email(&format!("u{number}@x.test")).unwrap().id;
    peer.delete(&format!("/users/{}", user(10))).expect(204);
    assert!(peer.simulator.delete_user(user(1)));
    assert_eq!((count(all), count(some)), (48, 4));
    // A second role in the same group is the same member.
    assert_ne!(peer.simulator.assign(user(20), some, "group_manager"), 0);
    assert_eq!(count(some), 4);
    let held = peer.simulator.state().role_assignments_of(user(20)).map(|held| held.id).collect::<Vec<_>>();
    peer.delete(&format!("/role_assignments/{}", held[2])).expect(204);
    assert_eq!(count(some), 4);
    peer.delete(&format!("/groups/{some}")).expect(204);
    let state = peer.simulator.state();
    assert_eq!(state.role_assignments.len(), 48 + 1, "and that of the owner");
    assert_eq!(peer.get(&format!("/users/{}", user(20))).json()["groups_count"], json!(1));
    assert!(peer.simulator.delete_group(all));
    assert_eq!(peer.simulator.state().role_assignments.len(), 1);
    assert_eq!(peer.get("/groups").range(), "*/0");
}
