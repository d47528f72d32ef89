//! Unlocking doors: the conditions, the reasons of a refusal, and the events.

use std::time::Duration;

use kisi_sim::{
    AccessHours, Event, EventType, Hand, LockdownStatus, OfflineStatus, OrganizationRole, Simulator,
    UnknownInput, UnlockDeniedCode, format_timestamp,
};
use serde_json::{Value, json};

use crate::peer::{Answer, Peer};

/// The example gym, with a client of Mia's. She is in the group Basic, which opens only the front door.
struct Gym {
    owner: Peer,
    mia: Peer,
    mia_id: u64,
    basic: u64,
    place: u64,
    front: u64,
    sauna: u64,
}

impl Gym {
    fn new() -> Gym {
        let owner = Peer::of_example();
        let state = owner.simulator.state();
        let ids: Vec<u64> = state.locks.iter().map(|lock| lock.id).collect();
        let mia = owner.with_key("a-plain-members-key");
        let mia_id = state.user_by_email("mia@example.test").unwrap().id;
        let basic = state.group_by_name("Basic").unwrap().id;
        Gym { owner, mia, mia_id, basic, place: state.places[0].id, front: ids[0], sauna: ids[1] }
    }

    fn simulator(&self) -> &Simulator {
        &self.owner.simulator
    }

    /// Replaces Mia's role assignment in Basic.
    fn hold(&self, valid_from: Option<u64>, valid_until: Option<u64>) {
        for held in self.simulator().state().role_assignments_of(self.mia_id) {
            self.simulator().unassign(held.id);
        }
        let (user_id, group_id) = (self.mia_id, self.basic);
        let role = "group_basic".to_owned();
        let hand = Hand::Assign { user_id, group_id, role, valid_from, valid_until };
        self.simulator().hand(hand).unwrap();
    }

    fn refused(&self, status: u16, code: &str) {
        let answer = unlock(&self.mia, self.front).expect(status);
        let body = answer.json();
        assert_eq!((body["code"].as_str(), body["error"].is_string()), (Some(code), true), "{}", answer.text);
        let event = self.last_event();
        assert_eq!(event.error_code.as_deref(), Some(code));
        assert_eq!(event.error_message.as_deref(), body["error"].as_str());
        assert!(!event.success && event.actor_id == Some(self.mia_id));
    }

    fn let_in(&self) {
        assert_eq!(unlock(&self.mia, self.front).expect(200).json(), json!({ "message": "Unlocked!" }));
        assert!(self.last_event().success);
    }

    fn last_event(&self) -> Event {
        self.simulator().events().pop().unwrap()
    }
}

fn unlock(peer: &Peer, lock: u64) -> Answer {
    peer.call("POST", &format!("/locks/{lock}/unlock"), "")
}

#[test]
fn a_member_opens_the_doors_of_its_groups_and_no_others() {
    let gym = Gym::new();
    gym.let_in();
    let event = gym.last_event();
    let held = gym.simulator().state().role_assignments_of(gym.mia_id).next().unwrap().id;
    assert_eq!(event.event_type, EventType::LockUnlock);
    assert_eq!((event.object_id, event.object_name.as_str()), (gym.front, "Front door"));
    assert_eq!((event.actor_id, event.actor_email.as_deref()), (Some(gym.mia_id), Some("Mia@example.test")));
    assert_eq!((event.role_assignment_id, event.role_id.as_deref()), (Some(held), Some("group_basic")));
    assert_eq!((event.place_id, event.error_code), (Some(gym.place), None));
    let login = gym.simulator().state().logins_of(gym.mia_id).next().unwrap().id;
    assert_eq!(event.login_id, Some(login));
    assert_eq!(unlock(&gym.mia, gym.sauna).expect_error(403, "Access denied").json()["code"], "fcd8ef");
    gym.owner.knobs(|knobs| knobs.unlock_denied_code = UnlockDeniedCode::Afc496);
    assert_eq!(unlock(&gym.mia, gym.sauna).expect(403).json()["code"], "afc496");
    assert_eq!(gym.last_event().error_code.as_deref(), Some("afc496"));
}

#[test]
fn an_unlock_is_recorded_for_the_user_of_the_login() {
    let gym = Gym::new();
    let owner = gym.owner.get("/user").id();
    unlock(&gym.owner, gym.front).expect(200);
    assert_eq!(gym.last_event().actor_id, Some(owner));
    let login = json!({ "login": { "type": "device", "email": "mia@example.test" } });
    let secret = gym.owner.post("/logins", login).expect(200).json()["secret"].clone();
    unlock(&gym.owner.with_key(secret.as_str().unwrap()), gym.front).expect(200);
    assert_eq!(gym.last_event().actor_id, Some(gym.mia_id));
}

#[test]
fn an_unknown_or_foreign_door_is_not_found_and_makes_no_event() {
    let gym = Gym::new();
    let other = gym.owner.with_key(&gym.simulator().keys().last().unwrap().secret);
    for (peer, lock) in [(&gym.owner, 1), (&gym.owner, gym.place), (&gym.mia, 1), (&other, gym.front)] {
        unlock(peer, lock).expect_error(404, "The record could not be found");
    }
    gym.owner.call("POST", "/locks/front/unlock", "").expect(404);
    unlock(&gym.owner.with_key("wrong"), gym.front).expect(401);
    assert!(gym.simulator().events().is_empty());
}

#[test]
fn access_includes_its_first_moment_and_excludes_its_end() {
    let gym = Gym::new();
    let now = gym.simulator().now_ms();
    for (from, until, code) in [
        (None, None, None),
        (Some(now), Some(now + 1), None),
        (Some(now + 1), None, Some("f358de")),
        (None, Some(now), Some("f35ade")),
        (Some(now - 2), Some(now - 1), Some("f35ade")),
    ] {
        gym.hold(from, until);
        match code {
            None => gym.let_in(),
            Some(code) => gym.refused(403, code),
        }
    }
    gym.hold(None, Some(now + 1_000));
    gym.let_in();
    gym.simulator().advance(Duration::from_secs(1));
    gym.refused(403, "f35ade");
}

#[test]
fn a_suspended_user_opens_nothing() {
    let gym = Gym::new();
    gym.simulator().set_user_access_enabled(gym.mia_id, false);
    gym.refused(403, "fcd8ff");
    assert_eq!(unlock(&gym.mia, gym.sauna).expect(403).json()["code"], "fcd8ff", "whatever the door");
    gym.simulator().set_user_access_enabled(gym.mia_id, true);
    let scim = |enabled| Hand::SetUserScimAccessEnabled { id: gym.mia_id, enabled };
    gym.simulator().hand(scim(false)).unwrap();
    gym.refused(403, "fcd8ff");
    gym.simulator().hand(scim(true)).unwrap();
    gym.let_in();
}

#[test]
fn a_group_without_app_access_opens_nothing_by_request() {
    let gym = Gym::new();
    gym.simulator().set_group_login_enabled(gym.basic, false);
    gym.refused(403, "f01337");
    gym.simulator().set_group_login_enabled(gym.basic, true);
    gym.let_in();
}

#[test]
fn outside_a_groups_hours_its_doors_stay_closed() {
    let gym = Gym::new();
    assert_eq!(format_timestamp(gym.simulator().now_ms()), "2026-10-01T10:00:00.000Z");
    gym.simulator().set_group_access_hours(gym.basic, Some(AccessHours::new("10:00", "11:00").unwrap()));
    gym.let_in();
    gym.simulator().advance(Duration::from_secs(3600));
    gym.refused(403, "34ffaa");
    gym.simulator().set_group_access_hours(gym.basic, None);
    gym.let_in();
    // A restriction without hours, which the API allows, opens no door.
    let restrict = json!({ "group": { "time_restriction_enabled": true } });
    gym.owner.patch(&format!("/groups/{}", gym.basic), restrict).expect(204);
    gym.refused(403, "34ffaa");
}

#[test]
fn one_group_that_opens_is_enough_and_otherwise_the_nearest_gives_the_reason() {
    let gym = Gym::new();
    let now = gym.simulator().now_ms();
    let add = |name: &str, valid_from, valid_until| {
        let (place_id, organization_id) = (None, None);
        let hand =
            Hand::AddGroup { name: name.to_owned(), organization_id, place_id, lock_ids: vec![gym.front] };
        let group_id = gym.simulator().hand(hand).unwrap().id.unwrap();
        let (user_id, role) = (gym.mia_id, "group_manager".to_owned());
        let hand = Hand::Assign { user_id, group_id, role, valid_from, valid_until };
        gym.simulator().hand(hand).unwrap();
        group_id
    };
    gym.hold(None, Some(now));
    gym.refused(403, "f35ade");
    add("Soon", Some(now + 1), None);
    gym.refused(403, "f358de");
    let no_app = add("No app", None, None);
    gym.simulator().set_group_login_enabled(no_app, false);
    gym.refused(403, "f01337");
    let night = add("Night", None, None);
    gym.simulator().set_group_access_hours(night, Some(AccessHours::new("22:00", "06:00").unwrap()));
    gym.refused(403, "34ffaa");
    add("Always", None, None);
    gym.let_in();
}

#[test]
fn a_lockdown_holds_for_all_users_and_answers_403_or_409() {
    let gym = Gym::new();
    gym.simulator().set_lock_locked_down(gym.front, true);
    gym.refused(403, "fad001");
    assert_eq!(unlock(&gym.owner, gym.front).expect(403).json()["code"], "fad001", "for the owner too");
    gym.simulator().set_place_locked_down(gym.place, true);
    gym.refused(403, "fad002");
    gym.owner.knobs(|knobs| knobs.lockdown_status = LockdownStatus::Conflict);
    gym.refused(409, "fad002");
    gym.simulator().set_place_locked_down(gym.place, false);
    gym.refused(409, "fad001");
    assert_eq!(unlock(&gym.mia, gym.sauna).expect(403).json()["code"], "fcd8ef", "not shown without access");
    gym.simulator().set_lock_locked_down(gym.front, false);
    gym.let_in();
}

#[test]
fn an_offline_door_does_not_open_and_answers_503_or_409() {
    let gym = Gym::new();
    gym.simulator().set_lock_online(gym.front, false);
    gym.refused(503, "fac001");
    gym.owner.knobs(|knobs| knobs.offline_status = OfflineStatus::Conflict);
    gym.refused(409, "fac001");
    gym.simulator().set_lock_online(gym.front, true);
    gym.let_in();
}

#[test]
fn owners_and_administrators_open_every_door_and_a_places_owner_those_of_the_place() {
    let gym = Gym::new();
    unlock(&gym.owner, gym.sauna).expect(200);
    assert_eq!(gym.last_event().role_id.as_deref(), Some("organization_owner"));
    let role = |role| Hand::SetOrganizationRole { user_id: gym.mia_id, role };
    gym.simulator().hand(role(OrganizationRole::Administrator)).unwrap();
    gym.simulator().set_user_access_enabled(gym.mia_id, false);
    unlock(&gym.mia, gym.sauna).expect(200);
    gym.simulator().hand(role(OrganizationRole::Member)).unwrap();
    gym.simulator().set_user_access_enabled(gym.mia_id, true);
    unlock(&gym.mia, gym.sauna).expect(403);
    let body = json!({ "role_assignment": {
        "applies_to_type": "Place", "applies_to_id": gym.place,
        "assignee_type": "User", "assignee_id": gym.mia_id, "role_id": "place_owner",
    } });
    gym.owner.post("/role_assignments", body).expect(200);
    unlock(&gym.mia, gym.sauna).expect(200);
}

#[test]
fn a_removed_role_assignment_or_group_no_longer_opens_the_door() {
    let gym = Gym::new();
    gym.let_in();
    let held = gym.simulator().state().role_assignments_of(gym.mia_id).next().unwrap().id;
    gym.owner.delete(&format!("/role_assignments/{held}")).expect(204);
    gym.refused(403, "fcd8ef");
    gym.hold(None, None);
    gym.let_in();
    gym.owner.delete(&format!("/groups/{}", gym.basic)).expect(204);
    gym.refused(403, "fcd8ef");
}

#[test]
fn a_user_shows_its_last_access() {
    let gym = Gym::new();
    let shown = || gym.owner.get(&format!("/users/{}", gym.mia_id)).json()["last_accessed_at"].clone();
    assert_eq!(shown(), Value::Null);
    gym.let_in();
    assert_eq!(shown(), "2026-10-01T10:00:00.000Z");
    gym.simulator().advance(Duration::from_secs(60));
    unlock(&gym.mia, gym.sauna).expect(403);
    assert_eq!(shown(), "2026-10-01T10:00:00.000Z", "a refusal is no access");
    unlock(&gym.owner, gym.front).expect(200);
    let latest = gym.owner.get("/users?sort=-unlock").ids();
    assert_eq!(latest[..2], [gym.owner.get("/user").id(), gym.mia_id]);
}

#[test]
fn the_body_may_be_left_out_and_is_checked_for_its_form() {
    let gym = Gym::new();
    let path = format!("/locks/{}/unlock", gym.front);
    let location = json!({ "latitude": 52.5, "longitude": 13.4 });
    for body in [
        json!({}),
        json!({ "context": {} }),
        json!({ "context": { "location": location, "services": [{ "type": "BLE" }] }, "lock": { "proximity_proof": null } }),
    ] {
        gym.mia.post(&path, body).expect(200);
    }
    assert!(gym.simulator().journal().iter().all(|entry| entry.unknown_fields.is_empty()));
    for (body, field) in [
        (json!({ "context": [] }), "context"),
        (json!({ "context": { "location": "here" } }), "context.location"),
        (json!({ "context": { "location": { "latitude": 91, "longitude": 0 } } }), "context.location"),
        (json!({ "context": { "services": {} } }), "context.services"),
        (json!({ "lock": { "proximity_proof": 7 } }), "lock.proximity_proof"),
    ] {
        gym.mia.post(&path, body).expect_invalid(&[field]);
    }
    gym.mia.post(&path, json!([])).expect(400);
    gym.mia.call("POST", &path, "{").expect(400);
    let odd = json!({ "force": true, "context": { "place": 1 } });
    gym.mia.post(&path, odd.clone()).expect(200);
    assert_eq!(gym.simulator().journal().pop().unwrap().unknown_fields, ["force", "context.place"]);
    gym.owner.knobs(|knobs| knobs.unknown_fields = UnknownInput::Unprocessable);
    gym.mia.post(&path, odd).expect_invalid(&["context.place", "force"]);
}
