//! Staff's hands in Kisi's web page.

use kisi_sim::{Hand, HandError};

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
    assert_eq!(simulator.assign(1, group, "group_basic"), 0);
    assert_eq!(simulator.add_user("Mia", "MIA@example.test"), mia, "the one that is there");
    assert_eq!(simulator.add_user("Nobody", "no address"), 0);
    assert!(!simulator.set_user_email(mia, "sam@example.test"), "somebody else's");
    assert!(simulator.set_user_email(mia, "mia@example.test"), "her own, spelt otherwise");
    assert_eq!(simulator.add_key(1), "");
    assert!(!simulator.revoke_key("never given"));
}
