//! Rows of the members' file that cannot be used: they are set aside, and the rest of the gym goes on.

use super::desk::{Installation, MEMBERS};

/// Ann is in the entrance and Bo in the spa. Then Bo's address is spoilt.
fn spoilt() -> Installation {
    let gym = Installation::synced();
    gym.edit("bo@example.test", "n/a");
    gym
}

#[test]
fn a_block_arrives_although_the_row_of_another_member_cannot_be_used() {
    let gym = spoilt();
    gym.file("members.csv", &with_blocked(&["1"]).replace("bo@example.test", "n/a"));
    gym.run(&["event", "member-blocked", "1"]).ends(0).complains("`n/a` is not an e-mail address");
    assert_eq!(gym.in_group("Entrance"), [] as [&str; 0]);
    // Bo keeps the access he has, whatever is asked for him.
    gym.run(&["event", "member-changed", "2"])
        .ends(2)
        .complains("Bo Kim (2) keeps the access they have until");
    gym.run(&["event", "member-deleted", "2"]).ends(2);
    assert_eq!(gym.in_group("Spa"), ["bo@example.test"]);
}

#[test]
fn a_sync_waits_for_a_row_that_is_set_aside_and_a_tick_goes_on() {
    let gym = spoilt();
    for command in [&["sync"][..], &["preview"], &["map", "Gold", "Entrance", "--preview"]] {
        let ran = gym.run(command).ends(2).complains(":3:10: `n/a` is not an e-mail address");
        ran.complains("it waits until these rows are corrected");
    }
    let status = gym.run(&["status"]).ends(0).says(&["set aside", "`n/a` is not an e-mail address"]);
    status.complains("The members in such rows keep the access they have until they are corrected.");
    gym.run(&["tick", "--until-done"]).ends(0).says(&["Nothing was due."]);
    gym.run(&["explain", "1"]).ends(0).says(&["May enter"]);
    assert_eq!(gym.in_group("Spa"), ["bo@example.test"]);
    gym.file("members.csv", MEMBERS);
    assert!(!gym.run(&["sync"]).ends(0).err.to_lowercase().contains("set aside"));
}

#[test]
fn a_row_without_a_certain_member_concerns_everybody_whom_it_names() {
    for row in [
        ",Bo Kim,bo@example.test,ms-9,basic,active,\n",
        "2,Bo Kim,bo@example.test,ms-9,basic\n",
        "Bo Kim,bo@example.test,ms-9,basic,active,\n",
    ] {
        let gym = Installation::synced();
        gym.add(row);
        gym.edit("2,Bo Kim,bo@example.test,ms-2,gold,active,", "2,Bo Kim,bo@example.test,ms-2,gold,expired,");
        gym.run(&["event", "membership-expired", "2"]).ends(2).complains(":6:");
        // A member who is nowhere may be the one of that row.
        gym.run(&["event", "member-deleted", "77"]).ends(2).complains("no other row is that of `77`");
        gym.run(&["event", "member-changed", "1"]).ends(0);
        gym.run(&["sync"]).ends(2);
        assert_eq!(gym.in_group("Spa"), ["bo@example.test"], "{row}");
    }
}

#[test]
fn a_plan_that_cannot_be_used_sets_its_members_aside() {
    let gym = Installation::synced();
    gym.file("plans.csv", "id,name\nbasic,Basic\ngold,\n");
    gym.file("members.csv", &with_blocked(&["1"]));
    gym.run(&["event", "member-blocked", "1"]).ends(0);
    gym.run(&["event", "member-changed", "2"]).ends(2).complains("there is no plan `gold` in plans.csv");
    assert_eq!((gym.in_group("Entrance").len(), gym.in_group("Spa").len()), (0, 1));
}

#[test]
fn a_gym_connects_again_with_a_row_that_cannot_be_used() {
    let gym = spoilt();
    gym.connect(&[]).ends(0).complains("`n/a` is not an e-mail address");
}

#[test]
fn an_event_that_the_file_does_not_confirm_is_no_success() {
    let gym = Installation::synced();
    for (event, claim) in [
        ("member-blocked", "is blocked"),
        ("member-deleted", "was deleted: they still have a row"),
        ("membership-frozen", "has a frozen membership"),
        ("membership-cancelled", "has a cancelled membership"),
        ("membership-expired", "has an expired membership"),
        ("payment-overdue", "has an overdue payment"),
    ] {
        let sentence = format!("members.csv does not say that Ann Lee {claim}. The file decides");
        gym.run(&["event", event, "1"]).ends(8).says(&[&sentence]);
        assert_eq!(gym.in_group("Entrance"), ["ann@example.test"]);
    }
    gym.file("members.csv", &with_blocked(&["1"]));
    gym.run(&["event", "member-blocked", "1"]).ends(0);
}

/// The members' file with a column `blocked`, which is `yes` for these members.
fn with_blocked(ids: &[&str]) -> String {
    let mut lines = MEMBERS.lines().map(|line| match line.split_once(',') {
        Some(("member_id", _)) => format!("{line},blocked\n"),
        Some((id, _)) if ids.contains(&id) => format!("{line},yes\n"),
        _ => format!("{line},no\n"),
    });
    lines.by_ref().collect()
}
