//! Everything that the first edition stored can still be read, and is written back with the same meaning.
//! `tests/first-edition/stored.jsonl` has one entry of each form.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::contract::storage::Entry;
use crate::host::Host;
use crate::id::{GroupId, UserId};
use crate::json;
use crate::ledger::store::{Loaded, first_due, freed, holder_of_email, holder_of_user, look_again};
use crate::stub::Stub;
use crate::sync::kept::{self, Odd, Owner, Turn};
use crate::tenant;

const STORED: &str = include_str!("../tests/first-edition/stored.jsonl");

/// Reads the entry as the plugin does, and gives the key and value under which it is stored again.
fn rewritten(host: &dyn Host, key: &str) -> (String, Vec<u8>) {
    let write = match key {
        "tenant/config" => tenant::stored_config(host).unwrap().unwrap().write(),
        "tenant/groups" => tenant::groups(host).unwrap().write(),
        "tenant/mappings" => tenant::mappings(host).unwrap().write(),
        "tenant/sync" => tenant::job(host).unwrap().unwrap().write(),
        _ => return rewritten_of_many(host, key),
    };
    (write.key, write.value.unwrap())
}

fn rewritten_of_many(host: &dyn Host, key: &str) -> (String, Vec<u8>) {
    let name = |prefix| key.strip_prefix(prefix);
    let write = if let Some(member) = name("member/") {
        return (key.to_string(), json::to_vec(&Loaded::load(host, member).unwrap().record));
    } else if let Some(email) = name("email/") {
        return (key.to_string(), holder_of_email(host, email).unwrap().unwrap().into_bytes());
    } else if let Some(user) = name("user/") {
        let user = UserId(user.parse().unwrap());
        return (key.to_string(), holder_of_user(host, user).unwrap().unwrap().into_bytes());
    } else if let Some(email) = name("freed/") {
        assert_eq!(freed(host, 1).unwrap(), [email]);
        return (key.to_string(), Vec::new());
    } else if name("due/").is_some() {
        let due = first_due(host).unwrap().unwrap();
        look_again(due.at, &due.member)
    } else if let Some(group) = name("sync/seen/") {
        let group = GroupId(group.parse().unwrap());
        kept::keep_seen(&kept::seen(host, group).unwrap(), group)
    } else if let Some(email) = name("sync/user/") {
        kept::user(email, &kept::user_with(host, email).unwrap().unwrap())
    } else if let Some(owner) = name("sync/odd/") {
        let (name, _) = owner[1..].split_once('\u{1f}').unwrap();
        let owner = if owner.starts_with('m') { Owner::Member(name) } else { Owner::Email(name) };
        Odd::of_owner(host, owner).unwrap()[0].write(owner)
    } else if let Some(place) = name("sync/todo/") {
        let turn = match place.as_bytes()[0] {
            b'0' => Turn::Barred,
            b'1' => Turn::Loses,
            _ => Turn::Gains,
        };
        let todo = kept::take_todo(host).unwrap().unwrap();
        kept::todo(turn, &todo.member, todo.verify, todo.losses)
    } else {
        panic!("{key} is of no known kind");
    };
    (write.key, write.value.unwrap())
}

/// A value to compare: JSON without regard to the order of fields, anything else byte by byte.
fn meaning(value: &[u8]) -> Result<Value, &[u8]> {
    serde_json::from_slice(value).map_err(|_| value)
}

#[test]
fn every_entry_of_the_first_edition_is_read_and_written_back_with_the_same_meaning() {
    for line in STORED.lines() {
        let entry: BTreeMap<&str, String> = serde_json::from_str(line).unwrap();
        let value = match (entry.get("text"), entry.get("hex")) {
            (Some(text), _) => text.clone().into_bytes(),
            (_, Some(hex)) => {
                let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
                (0..hex.len()).step_by(2).map(byte).collect()
            }
            _ => panic!("{line} has no value"),
        };
        let stored = Entry { key: entry["key"].clone(), value: value.clone(), version: 1 };
        let host = Stub { stored: Some(stored), ..Stub::default() };
        let (key, again) = rewritten(&host, &entry["key"]);
        assert_eq!((&key, meaning(&again)), (&entry["key"], meaning(&value)), "{line}");
    }
}
