//! Staff's hands in Kisi's web page.

use kisi_sim::{AccessHours, Hand, HandError};

use crate::peer::Peer;

#[test]
fn staff_make_and_remove_what_the_api_then_shows() {
    let peer = Peer::new();
    let simulator = &peer.simulator;
    let group = simulator.add_group("24/7");
    let user = simulator.add_user("Ann", "ann@x.test");
    let held = simulator.assign(user, group, "group_basic");
    assert_eq!(peer.get(&format!("/role_assignments?group_id={group}")).ids(), [held]);
    assert!(simulator.set_group_login_enabled(group, false));
    assert_eq!(peer.get(&format!("/groups/{group}")).json()["login_enabled"], false);
    assert!(simulator.set_user_access_enabled(user, false));
    assert_eq!(peer.get(&format!("/users/{user}")).json()["access_enabled"], false);
    assert!(simulator.set_user_email(user, "bea@x.test"));
    assert_eq!(peer.get("/users?email=bea@x.test").ids(), [user]);
    assert!(peer.get("/users?email=ann@x.test").ids().is_empty());
    assert!(simulator.unassign(held) && !simulator.unassign(held));
    assert!(simulator.delete_user(user) && !simulator.delete_user(user));
    assert!(simulator.delete_group(group) && !simulator.delete_group(group));
    peer.get(&format!("/groups/{group}")).expect(404);
}

#[test]
fn staff_may_stack_what_the_api_refuses() {
    let peer = Peer::new();
    let (user, group) = (peer.create_user("ann@x.test"), peer.create_group("Basic"));
    peer.assign(user, group).expect(200);
    peer.assign(user, group).expect(409);
    assert_ne!(peer.simulator.assign(user, group, "group_manager"), 0);
    assert_eq!(peer.get(&format!("/role_assignments?group_id={group}")).ids().len(), 2);
}

#[test]
fn staff_lock_doors_and_places_down_and_take_doors_offline() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let (place, front, back) = (state.places[0].id, state.locks[0].id, state.locks[2].id);
    let simulator = &peer.simulator;
    assert_eq!(peer.get("/locks?locked_down=true").ids(), [back], "as seeded");
    assert!(simulator.set_lock_locked_down(front, true) && simulator.set_lock_locked_down(back, false));
    assert_eq!(peer.get("/locks?locked_down=true").ids(), [front]);
    simulator.advance(std::time::Duration::from_secs(60));
    assert!(simulator.set_lock_locked_down(front, true), "again");
    let lock = peer.get(&format!("/locks/{front}")).json();
    assert_eq!(lock["locked_down"], true);
    assert_eq!(lock["locked_down_since"], "2026-10-01T10:00:00.000Z", "since the first time");
    assert!(simulator.set_lock_online(front, false) && simulator.set_lock_online(back, true));
    assert_eq!(peer.get("/locks?online=false").ids(), [front]);
    assert!(simulator.set_place_locked_down(place, true));
    let shown = peer.get(&format!("/places/{place}")).json();
    assert_eq!(
        (&shown["locked_down"], &shown["locked_down_since"]),
        (&true.into(), &"2026-10-01T10:01:00.000Z".into())
    );
    assert!(simulator.set_place_locked_down(place, false));
    assert_eq!(peer.get(&format!("/places/{place}")).json()["locked_down_since"], serde_json::Value::Null);
    assert!(!simulator.set_lock_locked_down(1, true) && !simulator.set_lock_online(1, true));
    assert!(!simulator.set_place_locked_down(1, true) && !simulator.set_group_access_hours(1, None));
}

#[test]
fn access_hours_show_as_a_time_restriction_in_utc() {
    let peer = Peer::of_example();
    let state = peer.simulator.state();
    let premium = state.group_by_name("Premium").unwrap();
    assert_eq!(premium.access_hours, Some(AccessHours::new("06:00", "22:00").unwrap()));
    let shown = || peer.get(&format!("/groups/{}", premium.id)).json();
    let row = shown();
    assert_eq!(row["time_restriction_enabled"], true);
    assert_eq!(row["time_restriction_time_zone"], "UTC");
    assert!(peer.simulator.set_group_access_hours(premium.id, None));
    assert_eq!(shown()["time_restriction_enabled"], false);
}

#[test]
fn what_is_not_there_is_named() {
    let peer = Peer::of_example();
    let simulator = &peer.simulator;
    let state = simulator.state();
    let theirs = simulator
        .hand(Hand::AddUser {
            name: "Zoe".to_owned(),
            email: "zoe@x.test".to_owned(),
            organization_id: Some(state.organizations[1].id),
        })
        .unwrap()
        .id
        .unwrap();
    let group = state.groups[0].id;
    let assign = |user_id, group_id, role: &str| {
        simulator.hand(Hand::Assign {
            user_id,
            group_id,
            role: role.to_owned(),
            valid_from: None,
            valid_until: None,
        })
    };
    assert_eq!(assign(theirs, group, "group_basic"), Err(HandError::OtherOrganization { field: "group_id" }));
    assert!(matches!(assign(1, group, "group_basic"), Err(HandError::Unknown { field: "user_id", .. })));
    assert!(matches!(assign(theirs, 1, "group_basic"), Err(HandError::Unknown { field: "group_id", .. })));
    let mia = state.user_by_email("mia@example.test").unwrap().id;
    assert!(matches!(assign(mia, group, "sultan"), Err(HandError::Invalid { field: "role", .. })));
    let held = simulator.assign(mia, group, "group_basic");
    let set_role = |id, role: &str| simulator.hand(Hand::SetRole { id, role: role.to_owned() });
    assert!(matches!(set_role(1, "group_manager"), Err(HandError::Unknown { field: "id", .. })));
    assert!(matches!(set_role(held, "place_owner"), Err(HandError::Invalid { field: "role", .. })));
    assert!(set_role(held, "group_manager").is_ok());
    let row = simulator.state().role_assignments.into_iter().find(|row| row.id == held);
    assert_eq!(row.unwrap().role_id, "group_manager");
    assert_eq!(simulator.assign(1, group, "group_basic"), 0);
    assert_eq!(simulator.add_user("Mia", "MIA@example.test"), mia, "the one that is there");
    assert_eq!(simulator.add_user("Nobody", "no address"), 0);
    assert!(!simulator.set_user_email(mia, "sam@example.test"), "somebody else's");
    assert!(simulator.set_user_email(mia, "mia@example.test"), "her own, spelt otherwise");
    assert_eq!(simulator.add_key(1), "");
    assert!(!simulator.revoke_key("never given"));
}
