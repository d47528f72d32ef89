//! `harness explain`, `doors`, `unlock`, `login` and `map --preview`, from outside: what a front desk asks about one
//! member, against a simulator behind a real address.

use std::fs;
use std::path::Path;

use kisi_sim::{Fault, FaultEffect};
use serde_json::json;

use super::desk::{Installation, OWNER_KEY};

const MEMBERS: &str = "\
member_id,name,email,membership_id,plan,status,last_day,overdue_since
1,Ann Lee,ann@example.test,ms-1,gold,active,2032-12-31,
2,Bo Kim,bo@example.test,ms-2,basic,active,,
3,Cy Park,cy@example.test,ms-3,basic,frozen,,
4,Di Ray,,ms-4,basic,active,,
5,Ann Lee,lee@example.test,ms-5,basic,active,,2026-01-01
";

/// A gym with two doors in which all members have what memberships give.
fn gym() -> Installation {
    let gym = Installation::with(&format!(
        "[knobs]\nrate_limit = false\n\n[[organizations]]\nname = \"Box 42\"\nplaces = [{{ name = \"Main Street\" }}]\n\n\
         [[organizations.locks]]\nname = \"Front door\"\n\n[[organizations.locks]]\nname = \"Sauna\"\n\n\
         [[organizations.groups]]\nname = \"Entrance\"\nlocks = [\"Front door\"]\n\n\
         [[organizations.groups]]\nname = \"Spa\"\nlocks = [\"Sauna\"]\n\n\
         [[organizations.users]]\nname = \"Olga\"\nemail = \"olga@box.test\"\nrole = \"owner\"\n\n\
         [[organizations.keys]]\nuser = \"olga@box.test\"\nsecret = \"{OWNER_KEY}\"\n",
    ));
    gym.file("members.csv", MEMBERS);
    gym.connect(&[]).ends(0);
    for entry in [["Basic", "Entrance"], ["Gold", "Entrance"], ["Gold", "Spa"]] {
        gym.run(&["map", entry[0], entry[1]]).ends(0);
    }
    gym.run(&["sync"]).ends(0);
    gym.sim.clear_journal();
    gym
}

fn door(gym: &Installation, name: &str) -> u64 {
    gym.sim.state().locks.iter().find(|lock| lock.name == name).unwrap().id
}

/// What was asked of Kisi since the last time, as `METHOD path`.
fn calls(gym: &Installation) -> Vec<String> {
    let journal = gym.sim.journal();
    gym.sim.clear_journal();
    journal.iter().map(|entry| format!("{} {}", entry.method, entry.path)).collect()
}

#[test]
fn a_member_with_access_is_told_until_when_and_through_which_doors() {
    let gym = gym();
    gym.run(&["explain", "1"]).ends(0).says(&[
        "Ann Lee (1)",
        "yes May enter until 1 Jan 2033 UTC.",
        "groups Entrance (until 1 Jan 2033) and Spa (until 1 Jan 2033)",
        "doors Front door and Sauna",
    ]);
    let ran = gym.run(&["explain", "bo@example.test", "--json"]).ends(0);
    let group = gym.sim.state().group_by_name("Entrance").unwrap().id.to_string();
    assert_eq!(
        ran.json(),
        json!({
            "type": "explanation", "member": "2", "verdict": "yes",
            "groups": [{ "group": group, "group_name": "Entrance" }],
            "doors": [{ "id": door(&gym, "Front door").to_string(), "name": "Front door", "place": "Main Street" }],
            "alerts": [],
        })
    );
    assert_eq!(calls(&gym), Vec::<String>::new(), "explaining sends no request");
}

#[test]
fn a_member_without_access_is_told_the_cause_and_the_remedy_with_an_exit_code() {
    let gym = gym();
    gym.run(&["explain", "Cy Park"]).ends(6).says(&[
        "Cy Park (3)",
        "no May not enter: no door opens.",
        "is frozen",
        "[paused]",
        "say Your membership is paused. Resume it, and the doors open at once. [resume]",
    ]);
    let ran = gym.run(&["explain", "4", "--json"]).ends(6);
    let told = ran.json();
    assert_eq!((&told["verdict"], &told["alerts"][0]["cause"]), (&json!("no"), &json!("missing-email")));
    assert_eq!(told["alerts"][0]["remedy"], "change-email");
    assert!(told["alerts"][0]["for_staff"].is_string() && told["alerts"][0]["for_member"].is_string());
    gym.run(&["explain", "5"]).ends(6).says(&["[payment-missed]", "[pay]"]);
    // A changed file counts at once. Kisi follows with the next event.
    gym.edit(
        "5,Ann Lee,lee@example.test,ms-5,basic,active,,2026-01-01",
        "5,Lea Lee,lee@example.test,ms-5,basic,active,,",
    );
    gym.run(&["explain", "5"]).ends(6).says(&["[not-yet-in-provider]", "[synchronize]"]);
    gym.run(&["event", "payment-recovered", "5"]).ends(0);
    gym.run(&["explain", "5"]).ends(0).says(&["yes May enter."]);
}

#[test]
fn the_state_of_the_phone_is_taken_into_account() {
    let gym = gym();
    for (arguments, cause) in [
        (&["--bluetooth", "off"], "bluetooth-off"),
        (&["--location", "off"], "location-off"),
        // The plugin made the account, and Ann has not accepted Kisi's invitation yet.
        (&["--signed-in", "no"], "invitation-pending"),
    ] {
        let ran = gym.run(&[&["explain", "2", "--json"], arguments.as_slice()].concat()).ends(0);
        let told = ran.json();
        assert_eq!((&told["verdict"], &told["alerts"][0]["cause"]), (&json!("limited"), &json!(cause)));
        assert_eq!(told["alerts"].as_array().map(Vec::len), Some(1), "{told}");
    }
    let well = ["explain", "2", "--bluetooth", "on", "--location", "on", "--signed-in", "yes"];
    gym.run(&well).ends(0).says(&["yes May enter."]);
    gym.run(&["explain", "2", "--bluetooth", "off"]).says(&["limited May enter, but there is a problem."]);
}

#[test]
fn verifying_reads_kisi_and_reports_differences() {
    let gym = gym();
    let state = gym.sim.state();
    let user = state.user_by_email("bo@example.test").unwrap().id;
    let row = state.role_assignments.iter().find(|row| row.assignee_id == user).unwrap().id;
    gym.sim.unassign(row);
    gym.run(&["explain", "2"]).ends(0);
    assert_eq!(calls(&gym), Vec::<String>::new());
    gym.run(&["explain", "2", "--verify"]).ends(6).says(&["no May not enter", "[provider-differs]"]);
    let asked = calls(&gym);
    assert!(asked.len() == 2 && asked.iter().all(|call| call.starts_with("GET ")), "{asked:?}");
    assert!(gym.sim.revoke_key(OWNER_KEY));
    gym.run(&["explain", "2", "--verify"]).ends(5).complains("Kisi does not accept the key");
    gym.run(&["explain", "2", "--verify"]).ends(0).says(&[
        "yes May enter.",
        "note The connection to Kisi",
        "[provider-paused]",
    ]);
}

#[test]
fn an_ambiguous_member_is_refused_by_every_command() {
    let gym = gym();
    let phone = ["--brand", "Apple", "--model", "iPhone 17", "--system", "iOS"];
    for (command, more) in [
        ("explain", [].as_slice()),
        ("doors", &[]),
        ("unlock", &["Front door"]),
        ("login", &phone),
        ("login", &["--revoke", "1"]),
    ] {
        let run = |member: &str| gym.run(&[&[command, member], more].concat());
        run("Ann Lee").ends(2).complains("`Ann Lee` may be any of `1`, `5`: give the id");
        run("Bo Kin").ends(2).complains("there is no member `Bo Kin` in members.csv: did you mean `Bo Kim`?");
        gym.run(&[command]).ends(2).complains("<MEMBER>");
    }
    gym.run(&["explain", "2", "--bluetooth", "maybe"]).ends(2).complains("[possible values: on, off]");
    gym.run(&["unlock", "2"]).ends(2).complains("<DOOR>");
    gym.run(&["login", "2", "--brand", "Apple"]).ends(2).complains("--model <TEXT>");
    gym.run(&["login", "2", "--revoke", "1", "--brand", "Apple"]).ends(2).complains("cannot be used with");
    assert_eq!(calls(&gym), Vec::<String>::new());
}

#[test]
fn the_help_of_each_member_command_has_an_example_or_a_sentence_and_every_exit_code() {
    let gym = gym();
    for (command, says) in [
        ("explain", "harness explain ann@example.test --verify"),
        ("doors", "No request is sent"),
        ("unlock", "Each run that succeeds opens the door once"),
        ("login", "Its secret is printed once and kept nowhere"),
        ("map", "harness map --file mapping.csv --preview"),
    ] {
        let codes = ["6 the answer is no", "7 it is not known whether the door opened"];
        gym.run(&[command, "--help"]).ends(0).says(&[says, codes[0], codes[1]]);
    }
}

#[test]
fn the_doors_of_a_member_are_listed_with_their_ids() {
    let gym = gym();
    let sauna = door(&gym, "Sauna");
    gym.run(&["doors", "1"]).ends(0).says(&[
        "DOOR ID PLACE",
        "Front door",
        &format!("Sauna {sauna} Main Street"),
    ]);
    let ran = gym.run(&["doors", "1", "--json"]).ends(0);
    let told = ran.json();
    assert_eq!((&told["type"], &told["doors"][1]["id"]), (&json!("doors"), &json!(sauna.to_string())));
    gym.run(&["doors", "3"]).ends(6).says(&["No door opens now; `harness explain 3` says why."]);
    assert_eq!(calls(&gym), Vec::<String>::new());
}

#[test]
fn a_door_is_opened_by_name_or_id_once_for_each_command() {
    let gym = gym();
    let sauna = door(&gym, "Sauna");
    for given in ["Sauna".to_owned(), sauna.to_string()] {
        gym.run(&["unlock", "1", &given]).ends(0).says(&["Sauna opened for Ann Lee (1)."]);
        let asked = calls(&gym);
        assert_eq!((asked.len(), asked.last()), (3, Some(&format!("POST /locks/{sauna}/unlock"))));
    }
    let ran = gym.run(&["unlock", "1", "Sauna", "--json"]).ends(0);
    let expected = json!({
        "type": "unlock", "member": "1", "door": sauna.to_string(), "door_name": "Sauna", "opened": true,
    });
    assert_eq!(ran.json(), expected);
}

#[test]
fn a_refused_unlock_has_an_exit_code_of_its_own_and_a_reason() {
    let gym = gym();
    let sauna = door(&gym, "Sauna");
    gym.run(&["unlock", "2", &sauna.to_string()])
        .ends(6)
        .says(&["stays shut for Bo Kim (2).", "[other-door]"]);
    gym.run(&["unlock", "2", "Front dor"]).ends(2).complains(
        "`Front dor` is none of the doors that open for Bo Kim (2): did you mean `Front door`? (any other door of Kisi's goes by its id)",
    );
    gym.run(&["unlock", "2", "Sauna"])
        .ends(2)
        .complains("`Sauna` is none of the doors that open for Bo Kim (2): known are `Front door`");
    gym.run(&["unlock", "3", "Front door"])
        .ends(6)
        .complains("no door opens for Cy Park (3) now: `harness explain 3`");
    let front = door(&gym, "Front door").to_string();
    gym.run(&["unlock", "3", &front]).ends(6).says(&["[paused]"]);
    assert_eq!(calls(&gym), Vec::<String>::new());
    gym.sim.set_lock_online(sauna, false);
    let ran = gym.run(&["unlock", "1", "Sauna", "--json"]).ends(6);
    let told = ran.json();
    assert_eq!((&told["opened"], &told["refused"]["cause"]), (&json!(false), &json!("door-offline")));
}

#[test]
fn an_unlock_is_sent_once_for_each_command_and_a_lost_answer_is_reported_as_unknown() {
    let gym = gym();
    let path = format!("POST /locks/{}/unlock", door(&gym, "Sauna"));
    for (effect, code, says) in [
        (FaultEffect::DropAfterCommit {}, 7, "It is not known whether the door opened"),
        (
            FaultEffect::Status { status: 429, retry_after_s: Some(1) },
            4,
            "The door was not opened: try again in",
        ),
    ] {
        gym.sim.add_fault(Fault::new("POST /locks/{id}/unlock", effect).unwrap());
        gym.run(&["unlock", "1", "Sauna"]).ends(code).complains(says);
        let attempts: Vec<String> = calls(&gym).into_iter().filter(|call| call.starts_with("POST")).collect();
        assert_eq!(attempts, [path.as_str()]);
    }
    gym.run(&["unlock", "1", "Sauna"]).ends(0);
}

/// Whether any file of a folder contains a text.
fn is_in_files(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return is_in_files(&path, text);
        }
        fs::read(path).unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn the_secret_of_a_login_is_printed_once_and_stored_nowhere() {
    let gym = gym();
    let phone = ["--brand", "Apple", "--model", "iPhone 17", "--system", "iOS"];
    let ran = gym
        .run(&[&["login", "1"], phone.as_slice()].concat())
        .ends(0)
        .complains("The secret is shown this once");
    assert_eq!(calls(&gym), ["POST /logins"]);
    let secrets = || -> Vec<String> {
        let user = gym.sim.state().user_by_email("ann@example.test").unwrap().id;
        gym.sim.keys().into_iter().filter(|key| key.user_id == user).map(|key| key.secret).collect()
    };
    let [secret] = secrets().try_into().unwrap();
    assert_eq!(ran.out.matches(&secret).count(), 1, "{}", ran.out);
    assert!(!ran.err.contains(&secret), "{}", ran.err);
    assert!(!is_in_files(&gym.path("state"), &secret));
    assert!(is_in_files(&gym.path("state"), "Box 42"), "the search finds what is there");

    let ran =
        gym.run(&[&["login", "1", "--json"], phone.as_slice()].concat()).ends(0).complains("keep no copy");
    let told = ran.json();
    let of_json = told["secret"].as_str().unwrap();
    assert!(secrets().iter().any(|secret| secret == of_json) && of_json != secret);
    assert!(!ran.err.contains(of_json) && !is_in_files(&gym.path("state"), of_json));
    // What other commands print about the member has neither of them.
    for command in [["event", "member-changed", "1"].as_slice(), &["explain", "1", "--verify"], &["status"]] {
        let ran = gym.run(&[command, &["--json"]].concat());
        assert!(![&ran.out, &ran.err].iter().any(|text| text.contains(&secret) || text.contains(of_json)));
    }

    let id = told["id"].as_str().unwrap();
    gym.run(&["login", "1", "--revoke", id])
        .ends(0)
        .says(&[&format!("The login {id} of Ann Lee (1) has ended.")]);
    assert_eq!(secrets(), [secret]);
    gym.run(&["login", "1", "--revoke", id]).ends(1).complains("This member has no such login");
    gym.run(&["login", "2", "--revoke", id]).ends(1);
}

#[test]
fn no_login_is_issued_to_a_member_without_doors_and_none_is_requested_twice() {
    let gym = gym();
    let phone = ["--brand", "Apple", "--model", "iPhone 17", "--system", "iOS"];
    let run = |member: &str| gym.run(&[&["login", member], phone.as_slice()].concat());
    run("3").ends(6).says(&["No login for Cy Park (3): no door opens.", "[paused]", "[resume]"]);
    assert_eq!(calls(&gym), Vec::<String>::new());
    gym.sim.add_fault(Fault::new("POST /logins", FaultEffect::DropAfterCommit {}).unwrap());
    let ran = run("1");
    assert_eq!(calls(&gym), ["POST /logins"], "a lost answer is not followed by another login");
    ran.ends(4).complains("try again");
}

#[test]
fn a_mapping_is_previewed_by_name_and_number_and_nothing_changes() {
    let gym = gym();
    let people: String =
        (10..25).map(|n| format!("{n},Member {n},m{n}@example.test,ms-{n},basic,active,,\n")).collect();
    gym.file("members.csv", &format!("{MEMBERS}{people}"));
    let ran = gym.run(&["map", "Basic", "Spa", "--preview"]).ends(0).says(&[
        "GROUP GAIN IT LOSE IT",
        "Spa 16 0",
        "Would gain: 16",
        "Member 10 (10) Spa",
        "and 6 more; --json names all",
        "16 members would gain or lose something. Nothing was changed",
    ]);
    assert!(!ran.out.contains("Would lose") && !ran.out.contains("Di Ray"), "{}", ran.out);

    let csv = gym.file("mapping.csv", "plan,group\nGold,Entrance\nBasic,Spa\n");
    let file = ["map", "--file", csv.to_str().unwrap(), "--preview"];
    gym.run(&file).ends(0).says(&["Entrance 0 16", "Spa 16 1", "Would lose: 17", "Ann Lee (1) Spa"]);
    let ran = gym.run(&[file.as_slice(), &["--json"]].concat()).ends(0);
    let told = ran.json();
    assert_eq!((&told["type"], &told["members"]), (&json!("mapping-preview"), &json!(17)));
    assert_eq!(told["effects"].as_array().map(Vec::len), Some(33));
    assert_eq!(told["groups"][1]["gain"], 16);
    gym.run(&["map", "--remove", "Gold", "Spa", "--preview"]).ends(0).says(&["Spa 0 1", "Ann Lee (1) Spa"]);
    gym.run(&["map", "Gold", "Spa", "--preview"]).ends(0).says(&["No member would gain or lose access."]);
    gym.run(&["map", "--preview"]).ends(2).complains("name the change that --preview is to look at");
    gym.run(&["map", "Gold", "Spaa", "--preview"]).ends(2).complains("did you mean `Spa`?");

    assert_eq!(calls(&gym), Vec::<String>::new(), "a preview sends no request");
    gym.run(&["map"]).ends(0).says(&["Basic any Entrance", "Gold any Entrance any Spa"]);
    // What was foreseen is what a sync then does.
    gym.run(&["sync"]).ends(0);
    gym.run(&["map", "--file", csv.to_str().unwrap()]).ends(0);
    gym.run(&["sync", "--yes"]).ends(0);
    assert_eq!(gym.in_group("Entrance"), ["ann@example.test"]);
    assert_eq!(gym.in_group("Spa").len(), 16);
}
