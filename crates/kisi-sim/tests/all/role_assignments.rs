//! Role assignments: both generations of fields, and the rules on which the sources disagree.

use kisi_sim::{DuplicateRoleAssignment, RoleAssignmentsOfDeletedUser, SecondRole, ValidityInPatch};
use serde_json::{Value, json};

use crate::peer::{Peer, assignment};

/// A client with a user and a group.
fn ready() -> (Peer, u64, u64) {
    let peer = Peer::new();
    let (user, group) = (peer.create_user("ann@x.test"), peer.create_group("Basic"));
    (peer, user, group)
}

fn dated(user: u64, group: u64, from: &str, until: &str) -> Value {
    let mut body = assignment(user, group, "group_basic");
    body["role_assignment"]["valid_from"] = json!(from);
    body["role_assignment"]["valid_until"] = json!(until);
    body
}

#[test]
fn a_new_role_assignment_shows_the_current_and_the_deprecated_fields() {
    let (peer, user, group) = ready();
    let owner = peer.get("/user").id();
    let row =
        peer.post("/role_assignments", dated(user, group, "2026-10-01T00:00:00Z", "2026-12-31T23:59:59Z"));
    let row = row.expect(200).json();
    let user_shown = json!({ "id": user, "resource_type": "User", "email": "ann@x.test", "name": "" });
    let group_shown = json!({ "id": group, "resource_type": "Group", "name": "Basic" });
    assert_eq!(
        row,
        json!({
            "id": row["id"], "resource_type": "RoleAssignment",
            "created_at": "2026-10-01T10:00:00.000Z", "updated_at": "2026-10-01T10:00:00.000Z",
            "role_id": "group_basic", "notify": false,
            "applies_to_type": "Group", "applies_to_id": group, "applies_to": group_shown,
            "assignee_type": "User", "assignee_id": user, "assignee": user_shown,
            "created_by_type": "User", "created_by_id": owner,
            "user_id": user, "user": user_shown, "assignee_team_id": null, "guest_id": null,
            "issued_by_id": owner, "type": "group", "scope": "group",
            "group_id": group, "group": group_shown,
            "valid_from": "2026-10-01T00:00:00.000Z", "valid_until": "2026-12-31T23:59:59.000Z",
        })
    );
    assert_eq!(peer.get(&format!("/role_assignments/{}", row["id"])).json(), row);
    assert_eq!(peer.get("/role_assignments?query=ann").json(), json!([row]));
}

#[test]
fn the_deprecated_form_of_the_body_has_the_same_effect() {
    let (peer, user, group) = ready();
    let old = json!({ "role_assignment": { "user_id": user, "group_id": group, "role_id": "group_basic" } });
    let row = peer.post("/role_assignments", old).expect(200).json();
    assert_eq!((&row["assignee_id"], &row["applies_to_id"]), (&json!(user), &json!(group)));
    assert_eq!(row["valid_until"], Value::Null);
    peer.post("/role_assignments", assignment(user, group, "group_basic")).expect(409);
}

#[test]
fn roles_in_places_and_organizations_name_their_scope_and_have_no_dates() {
    let (peer, user, _) = ready();
    let (place, organization) = (peer.get("/places").ids()[0], peer.get("/organization").id());
    let create = |kind: &str, id: u64, role: &str| {
        peer.post(
            "/role_assignments",
            json!({ "role_assignment": {
                "applies_to_type": kind, "applies_to_id": id, "assignee_type": "User", "assignee_id": user,
                "role_id": role, "valid_until": "2026-12-31T23:59:59Z",
            } }),
        )
    };
    let row = create("Place", place, "place_owner").expect(200).json();
    assert_eq!((&row["place_id"], &row["scope"]), (&json!(place), &json!("place")));
    assert!(row.get("valid_until").is_none() && row.get("group_id").is_none());
    assert_eq!(
        peer.simulator.journal().pop().unwrap().unknown_fields,
        ["role_assignment.valid_until"],
        "dates outside groups are recorded as unknown"
    );
    let row = create("Organization", organization, "organization_administrator").expect(200).json();
    assert_eq!(row["organization"]["domain"], "gym-1");
    create("Place", place, "group_basic").expect_invalid(&["role_id"]);
    create("Organization", place, "organization_administrator").expect(404);
}

#[test]
fn every_missing_or_wrong_field_is_named() {
    let (peer, user, group) = ready();
    let create = |body: Value| peer.post("/role_assignments", json!({ "role_assignment": body }));
    create(json!({})).expect_invalid(&["applies_to_type", "assignee_id", "assignee_type", "role_id"]);
    create(json!({ "user_id": user, "group_id": group })).expect_invalid(&["role_id"]);
    create(json!({ "user_id": user, "group_id": group, "role_id": "sultan" })).expect_invalid(&["role_id"]);
    create(
        json!({ "user_id": user, "applies_to_type": "Door", "applies_to_id": 1, "role_id": "group_basic" }),
    )
    .expect_invalid(&["applies_to_type"]);
    create(json!({
        "assignee_type": "Dog", "assignee_id": 1, "group_id": group, "role_id": "group_basic",
        "notify": "yes", "valid_from": "soon", "valid_until": 7,
    }))
    .expect_invalid(&["assignee_type", "notify", "valid_from", "valid_until"]);
    peer.post("/role_assignments", dated(user, group, "2026-10-02T00:00:00Z", "2026-10-02T00:00:00Z"))
        .expect_invalid(&["valid_until"]);
    peer.post("/role_assignments", json!({ "share": {} })).expect_invalid(&["role_assignment"]);
    assert!(peer.get(&format!("/role_assignments?group_id={group}")).ids().is_empty());
}

#[test]
fn unknown_users_groups_and_teams_are_not_found() {
    let (peer, user, group) = ready();
    peer.assign(1, group).expect_error(404, "The record could not be found");
    peer.assign(user, 1).expect(404);
    peer.assign(group, user).expect(404);
    let mut team = assignment(user, group, "group_basic");
    team["role_assignment"]["assignee_type"] = json!("Team");
    peer.post("/role_assignments", team).expect(404);
}

#[test]
fn a_duplicate_conflicts_by_its_dates_or_always_or_stacks() {
    use DuplicateRoleAssignment::{AlwaysConflict, IdenticalDatesConflict, Stack};
    for (knob, same_dates, other_dates) in
        [(IdenticalDatesConflict, 409, 200), (AlwaysConflict, 409, 409), (Stack, 200, 200)]
    {
        let (peer, user, group) = ready();
        peer.knobs(|knobs| knobs.duplicate_role_assignment = knob);
        let body = |until: &str| dated(user, group, "2026-10-01T00:00:00Z", until);
        peer.post("/role_assignments", body("2026-11-01T00:00:00Z")).expect(200);
        // The same moment in another spelling.
        let same = peer.post("/role_assignments", body("2026-11-01T01:00:00.000+01:00")).status;
        let other = peer.post("/role_assignments", body("2026-12-01T00:00:00Z")).status;
        assert_eq!((same, other), (same_dates, other_dates), "{knob:?}");
        let created = 1 + [same, other].iter().filter(|status| **status == 200).count();
        let rows = peer.get(&format!("/role_assignments?group_id={group}")).ids();
        assert_eq!(rows.len(), created, "{knob:?}");
        assert_eq!(peer.get(&format!("/groups/{group}")).json()["users_count"], 1, "users, not rows");
    }
}

#[test]
fn a_second_role_in_the_same_group_is_refused_unless_allowed() {
    let (peer, user, group) = ready();
    let first = format!("/role_assignments/{}", peer.assign(user, group).expect(200).id());
    let manager = assignment(user, group, "group_manager");
    peer.post("/role_assignments", manager.clone()).expect_invalid(&["role_id"]);
    peer.knobs(|knobs| knobs.second_role = SecondRole::Allowed);
    let second = format!("/role_assignments/{}", peer.post("/role_assignments", manager).expect(200).id());
    peer.knobs(|knobs| knobs.second_role = SecondRole::Unprocessable);
    let change = |body: Value| json!({ "role_assignment": body });
    peer.patch(&second, change(json!({ "valid_until": "2027-01-01T00:00:00Z" }))).expect(204);
    peer.patch(&second, change(json!({ "role_id": "group_basic" }))).expect(204);
    peer.patch(&second, change(json!({ "role_id": "group_manager" }))).expect_invalid(&["role_id"]);
    peer.delete(&first).expect(204);
    peer.patch(&second, change(json!({ "role_id": "group_manager" }))).expect(204);
}

#[test]
fn dates_in_a_change_are_honoured_or_ignored() {
    for (knob, expected) in [
        (ValidityInPatch::Honoured, json!("2027-01-31T00:00:00.000Z")),
        (ValidityInPatch::Ignored, Value::Null),
    ] {
        let (peer, user, group) = ready();
        peer.knobs(|knobs| knobs.validity_in_patch = knob);
        let path = format!("/role_assignments/{}", peer.assign(user, group).id());
        let change = json!({ "role_assignment": { "valid_until": "2027-01-31T00:00:00Z", "notify": true } });
        peer.patch(&path, change).expect(204);
        let row = peer.get(&path).json();
        assert_eq!((&row["valid_until"], &row["notify"]), (&expected, &json!(true)), "{knob:?}");
        assert!(peer.simulator.journal().iter().all(|entry| entry.unknown_fields.is_empty()));
        peer.patch(&path, json!({ "role_assignment": { "valid_until": null } })).expect(204);
        assert_eq!(peer.get(&path).json()["valid_until"], Value::Null);
    }
}

#[test]
fn a_change_can_not_make_a_duplicate() {
    let (peer, user, group) = ready();
    peer.assign(user, group).expect(200);
    let dated = dated(user, group, "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z");
    let second = peer.post("/role_assignments", dated).expect(200).id();
    let change = json!({ "role_assignment": { "valid_from": null, "valid_until": null } });
    peer.patch(&format!("/role_assignments/{second}"), change).expect(409);
}

#[test]
fn a_missing_notify_is_what_the_knob_says() {
    for notify in [true, false] {
        let (peer, user, group) = ready();
        peer.knobs(|knobs| knobs.notify_default = notify);
        let body =
            json!({ "role_assignment": { "user_id": user, "group_id": group, "role_id": "group_basic" } });
        assert_eq!(peer.post("/role_assignments", body).json()["notify"], notify);
    }
}

#[test]
fn deleting_twice_finds_nothing_the_second_time_and_the_owners_role_stays() {
    let (peer, user, group) = ready();
    let path = format!("/role_assignments/{}", peer.assign(user, group).id());
    assert!(peer.delete(&path).expect(204).text.is_empty());
    peer.delete(&path).expect_error(404, "The record could not be found");
    peer.patch(&path, json!({ "role_assignment": {} })).expect(404);
    let owners = peer.get("/role_assignments?role_id=organization_owner").ids()[0];
    peer.delete(&format!("/role_assignments/{owners}")).expect(403);
}

#[test]
fn role_assignments_are_filtered_by_current_and_deprecated_parameters() {
    let (peer, user, group) = ready();
    let owner = peer.get("/user").id();
    let owners = peer.get("/role_assignments").ids()[0];
    let other = peer.create_user("bea@x.test");
    let first = peer.assign(user, group).id();
    let second = peer.assign(other, group).id();
    let ids = |query: String| peer.get(&format!("/role_assignments?{query}")).expect(200).ids();
    assert_eq!(ids(format!("assignee_type=User&assignee_id={user}")), [first]);
    assert_eq!(ids(format!("applies_to_type=Group&applies_to_id={group}")), [first, second]);
    assert_eq!(ids(format!("applies_to_type=Place&applies_to_id={group}")), [0; 0]);
    assert_eq!(ids(format!("assignee_type=User&assignee_id={owner}")), [owners]);
    assert_eq!(ids("assignee_type=Team".to_owned()), [0; 0]);
    assert_eq!(ids("applies_to_type=Organization".to_owned()), [owners]);
    assert_eq!(ids(format!("user_id={other}&group_id={group}")), [second]);
    assert_eq!(ids("user_id=me".to_owned()), [owners]);
    assert_eq!(ids("scope=group&role_id=group_basic".to_owned()), [first, second]);
    assert_eq!(ids("scope=group&sort=-user.name".to_owned()), [second, first]);
    assert_eq!(ids(format!("ids={second}")), [second]);
    assert_eq!(ids("query=bea".to_owned()), [second]);
    assert_eq!(ids("place_id=1".to_owned()), [0; 0]);
    for (query, field) in [
        ("assignee_id=1", "assignee_id"),
        ("applies_to_id=1", "applies_to_id"),
        ("assignee_type=Dog", "assignee_type"),
        ("sort=name", "sort"),
        ("user_id=you", "user_id"),
    ] {
        peer.get(&format!("/role_assignments?{query}")).expect_invalid(&[field]);
    }
}

#[test]
fn the_role_assignments_of_a_deleted_user_are_an_empty_list_or_not_found() {
    let (peer, user, group) = ready();
    peer.assign(user, group);
    peer.delete(&format!("/users/{user}")).expect(204);
    let path = format!("/role_assignments?assignee_type=User&assignee_id={user}");
    assert!(peer.get(&path).expect(200).ids().is_empty());
    peer.knobs(|knobs| knobs.role_assignments_of_deleted_user = RoleAssignmentsOfDeletedUser::NotFound);
    peer.get(&path).expect(404);
    peer.get(&format!("/role_assignments?user_id={user}")).expect(404);
}
