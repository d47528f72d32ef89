//! Changes by staff in Kisi's web page.

use kisi_sim::{AccessHours, Hand};

use crate::peer::Peer;

#[test]
fn the_api_shows_what_staff_creates_and_deletes() {
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
    simulator.hand(Hand::SetUserEmail { id: user, email: "bea@x.test".to_owned() }).unwrap();
    assert_eq!(peer.get("/users?email=bea@x.test").ids(), [user]);
    assert!(peer.get("/users?email=ann@x.test").ids().is_empty());
    assert!(simulator.unassign(held) && !simulator.unassign(held));
    assert!(simulator.delete_user(user) && !simulator.delete_user(user));
    assert!(simulator.delete_group(group) && !simulator.delete_group(group));
    peer.get(&format!("/groups/{group}")).expect(404);
}

#[test]
fn staff_can_add_a_role_assignment_that_the_api_refuses() {
    let peer = Peer::new();
    let (user, group) = (peer.create_user("ann@x.test"), peer.create_group("Basic"));
    peer.assign(user, group).expect(200);
    peer.assign(user, group).expect(409);
    assert_ne!(peer.simulator.assign(user, group, "group_manager"), 0);
    assert_eq!(peer.get(&format!("/role_assignments?group_id={group}")).ids().len(), 2);
}

#[test]
fn staff_can_lock_down_doors_and_places_and_take_doors_offline() {
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
fn errors_of_changes_by_staff_name_the_field() {
    let peer = Peer::of_example();
    let simulator = &peer.simulator;
    let state = simulator.state();
    let (name, email) = ("Zoe".to_owned(), "zoe@x.test".to_owned());
    let foreign = Hand::AddUser { name, email, organization_id: Some(state.organizations[1].id) };
    let foreign = simulator.hand(foreign).unwrap().id.unwrap();
    let mia = state.user_by_email("mia@example.test").unwrap().id;
    let group = state.groups[0].id;
    let held = simulator.assign(mia, group, "group_basic");
    let assign = |user_id, group_id, role: &str| Hand::Assign {
        user_id,
        group_id,
        role: role.to_owned(),
        valid_from: None,
        valid_until: None,
    };
    let set_role = |id, role: &str| Hand::SetRole { id, role: role.to_owned() };
    let set_email = |email: &str| Hand::SetUserEmail { id: mia, email: email.to_owned() };
    for (denied, message) in [
        (assign(foreign, group, "group_basic"), "group_id: belongs to another organization"),
        (assign(1, group, "group_basic"), "user_id: there is no user with the id 1"),
        (assign(foreign, 1, "group_basic"), "group_id: there is no group with the id 1"),
        (assign(mia, group, "sultan"), "role: `sultan` is none of `group_manager`, `group_basic`"),
        (set_role(1, "group_manager"), "id: there is no role assignment with the id 1"),
        (set_role(held, "place_owner"), "role: `place_owner` is none of `group_manager`, `group_basic`"),
        (set_email("sam@example.test"), "email: the organization already has a user with `sam@example.test`"),
        (
            Hand::RevokeKey { secret: "x".to_owned() },
            "secret: there is no such key, or it is revoked already",
        ),
    ] {
        assert_eq!(simulator.hand(denied.clone()).unwrap_err().to_string(), message, "{denied:?}");
    }
    assert!(simulator.hand(set_role(held, "group_manager")).is_ok());
    let row = simulator.state().role_assignments.into_iter().find(|row| row.id == held);
    assert_eq!(row.unwrap().role_id, "group_manager");
    assert!(simulator.hand(set_email("mia@example.test")).is_ok(), "her own address in another spelling");
    // The short forms return no error.
    assert_eq!(simulator.assign(1, group, "group_basic"), 0);
    assert_eq!(simulator.add_user("Mia", "MIA@example.test"), mia, "the existing user");
    assert_eq!(simulator.add_user("Nobody", "no address"), 0);
    assert_eq!(simulator.add_key(1), "");
    assert!(!simulator.revoke_key("never given"));
}
