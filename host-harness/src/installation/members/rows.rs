//! Members and plans from the rows of their files, with everything that is wrong in them.

use std::collections::{BTreeMap, BTreeSet};

use super::aside::Aside;
use super::day;
use super::{MEMBERS, PLANS, Row, Table, Zone};
use door_access_host::contract::types::{Member, MemberStatus, Membership, MembershipStatus, Payment, Plan};
use door_access_scenario::file::meant;
use door_access_scenario::unusable::Wrong;

/// Required columns of the members' file.
const NEEDED: [&str; 6] = ["member_id", "name", "email", "membership_id", "plan", "status"];
/// Without this optional column no member counts as blocked.
pub(in crate::installation) const BLOCKED: &str = "blocked";
/// Its optional columns.
const POSSIBLE: [&str; 6] = [BLOCKED, "location", "first_day", "last_day", "frozen_until", "overdue_since"];
/// Columns that only make sense in a row with a membership.
const OF_MEMBERSHIP: [&str; 7] =
    ["plan", "status", "location", "first_day", "last_day", "frozen_until", "overdue_since"];
/// The words for the status of a membership.
const STATUSES: [(&str, MembershipStatus); 4] = [
    ("active", MembershipStatus::Active),
    ("frozen", MembershipStatus::Frozen),
    ("cancelled", MembershipStatus::Cancelled),
    ("expired", MembershipStatus::Expired),
];

/// The optional columns that the members' file has.
pub(super) fn possible(table: &Table) -> BTreeSet<String> {
    table.columns().filter(|column| POSSIBLE.contains(column)).map(str::to_owned).collect()
}

/// The columns of the members' file that are not read.
pub(super) fn unread(table: &Table) -> Vec<String> {
    let is_read = |column: &&str| column.is_empty() || NEEDED.contains(column) || POSSIBLE.contains(column);
    table.columns().filter(|column| !is_read(column)).map(str::to_owned).collect()
}

/// All plans, in the order of the file. Rows that cannot be used go `aside`; `all` gets what makes the file doubtful.
pub(super) fn plans(table: &Table, aside: &mut Aside, all: &mut Vec<Wrong>) -> Vec<Plan> {
    if !columns(table, PLANS, &["id", "name"], &[], all) {
        return Vec::new();
    }
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let mut plans = Vec::new();
    for row in table.rows() {
        if let Some(wrong) = row.uneven() {
            aside.plan(wrong);
            continue;
        }
        let (Some(id), Some(name)) = (row.get("id"), row.get("name")) else {
            aside.plan(row.wrong("a plan needs an id and a name"));
            continue;
        };
        if let Some(line) = lines.insert(id, row.line()) {
            aside.plan(row.wrong_in("id", format!("the plan `{id}` is in line {line} already")));
            continue;
        }
        plans.push(Plan { id: id.to_owned(), name: name.to_owned() });
    }
    plans
}

/// All members, ordered by id. Rows with the same `member_id` are memberships of one person. Rows that cannot be used go
/// `aside`; `all` gets what makes the file doubtful.
pub(super) fn members(
    table: &Table,
    plans: &[Plan],
    zone: &Zone,
    aside: &mut Aside,
    all: &mut Vec<Wrong>,
) -> Vec<Member> {
    if !columns(table, MEMBERS, &NEEDED, &POSSIBLE, all) {
        return Vec::new();
    }
    let mut members: BTreeMap<&str, Member> = BTreeMap::new();
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let mut memberships: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for row in table.rows() {
        let mut wrong: Vec<Wrong> = row.uneven().into_iter().collect();
        if wrong.is_empty() {
            let person = person(&row, &mut wrong);
            let membership = membership(&row, plans, zone, &mut wrong);
            if let Some(person) = person.filter(|_| wrong.is_empty()) {
                let id = row.get("member_id").unwrap_or_default();
                let known = members.entry(id).or_insert_with(|| person.clone());
                let line = *lines.entry(id).or_insert(row.line());
                differs(&row, known, &person, line, &mut wrong);
                if let Some(membership) = membership.filter(|_| wrong.is_empty()) {
                    let place = row.get("membership_id").unwrap_or_default();
                    if let Some((line, other)) = memberships.insert(place, (row.line(), id)) {
                        let message = format!("the membership `{place}` is in line {line} already");
                        wrong.push(row.wrong_in("membership_id", message));
                        aside.member(other, None, wrong.clone());
                    }
                    known.memberships.push(membership);
                }
            }
        }
        if !wrong.is_empty() {
            aside.row(&row, wrong);
        }
    }
    aside.take_from(&mut members);
    members.into_values().collect()
}

/// Adds what a further row says otherwise about the person.
fn differs(row: &Row, known: &Member, person: &Member, line: usize, wrong: &mut Vec<Wrong>) {
    let differing = [
        ("name", known.name != person.name),
        ("email", known.email != person.email),
        ("blocked", known.status != person.status),
    ];
    if let Some((column, _)) = differing.iter().find(|(_, differs)| *differs) {
        let message = format!(
            "`{column}` of the member `{}` differs from line {line}: it must be the same in all rows of a member",
            person.id
        );
        wrong.push(row.wrong_in(column, message));
    }
}

/// The person of a row.
fn person(row: &Row, all: &mut Vec<Wrong>) -> Option<Member> {
    let (Some(id), Some(name)) = (row.get("member_id"), row.get("name")) else {
        all.push(row.wrong("a member needs a member_id and a name"));
        return None;
    };
    let email = row.get("email");
    if let Some(email) = email.filter(|email| !is_address(email)) {
        all.push(
            row.wrong_in(
                "email",
                format!("`{email}` is not an e-mail address: correct it, or leave it blank"),
            ),
        );
    }
    let status = match row.get(BLOCKED).map(str::to_lowercase).as_deref() {
        None | Some("no" | "false" | "0") => MemberStatus::Active,
        Some("yes" | "true" | "1") => MemberStatus::Blocked,
        Some(other) => {
            all.push(row.wrong_in(BLOCKED, format!("blocked is `yes` or `no`, and not `{other}`")));
            MemberStatus::Active
        }
    };
    let email = email.map(str::to_owned);
    Some(Member { id: id.to_owned(), name: name.to_owned(), email, status, memberships: Vec::new() })
}

/// The membership of a row; `None` when it has none, or one that is wrong.
fn membership(row: &Row, plans: &[Plan], zone: &Zone, all: &mut Vec<Wrong>) -> Option<Membership> {
    let Some(id) = row.get("membership_id") else {
        if let Some(column) = OF_MEMBERSHIP.iter().find(|column| row.get(column).is_some()) {
            all.push(row.wrong_in(column, format!("there is a {column} and no membership_id")));
        }
        return None;
    };
    let before = all.len();
    let plan = match row.get("plan") {
        None => {
            all.push(row.wrong_in("plan", "this membership needs a plan"));
            None
        }
        Some(plan) if plans.iter().all(|known| known.id != plan) => {
            let known = plans.iter().map(|plan| plan.id.as_str());
            let message = format!("there is no plan `{plan}` in {PLANS}: {}", meant(plan, known));
            all.push(row.wrong_in("plan", message));
            None
        }
        Some(plan) => Some(plan.to_owned()),
    };
    let given = row.get("status").unwrap_or_default();
    let status = STATUSES.iter().find(|(word, _)| *word == given.to_lowercase()).map(|(_, status)| *status);
    if status.is_none() {
        let known = STATUSES.iter().map(|(word, _)| *word);
        let message = match given {
            "" => "this membership needs a status".to_owned(),
            given => format!("there is no status `{given}`: {}", meant(given, known)),
        };
        all.push(row.wrong_in("status", message));
    }
    let mut moment = |column: &str, read: fn(&str, &Zone) -> Result<u64, String>| {
        let read = read(row.get(column)?, zone);
        read.map_err(|message| all.push(row.wrong_in(column, format!("{column}: {message}")))).ok()
    };
    let starts_at = moment("first_day", day::begins);
    let ends_at = moment("last_day", day::is_over);
    let frozen_until = moment("frozen_until", day::begins);
    let overdue_since = moment("overdue_since", day::begins);
    if let (Some(start), Some(end)) = (starts_at, ends_at)
        && end <= start
    {
        all.push(row.wrong_in("last_day", format!("the membership `{id}` ends before it starts")));
    }
    if frozen_until.is_some() && status.is_some_and(|status| status != MembershipStatus::Frozen) {
        let message = format!("the membership `{id}` has frozen_until and is not `frozen`");
        all.push(row.wrong_in("frozen_until", message));
    }
    if all.len() > before {
        return None;
    }
    Some(Membership {
        id: id.to_owned(),
        plan: plan?,
        location: row.get("location").map(str::to_owned),
        status: status?,
        starts_at,
        ends_at,
        payment: overdue_since.map_or(Payment::Paid, Payment::Overdue),
        frozen_until,
    })
}

/// Whether the file has all required columns, and no misspelt ones.
pub(in crate::installation) fn columns(
    table: &Table,
    file: &str,
    needed: &[&str],
    possible: &[&str],
    all: &mut Vec<Wrong>,
) -> bool {
    let before = all.len();
    let has = |column: &str| table.columns().any(|name| name == column);
    let others: Vec<&str> =
        table.columns().filter(|name| !needed.contains(name) && !possible.contains(name)).collect();
    for column in needed.iter().filter(|column| !has(column)) {
        let message = match meant(column, others.iter().copied()).strip_prefix("did you mean ") {
            Some(nearly) => {
                format!(
                    "{file} needs a column `{column}`, and has {}: rename it",
                    nearly.trim_end_matches('?')
                )
            }
            None => format!("{file} needs a column `{column}`"),
        };
        all.push(Wrong::at(table.head(), message));
    }
    // Unknown columns are ignored. Misspelt ones are not: a frozen member would look active.
    let absent: Vec<&str> = possible.iter().copied().filter(|column| !has(column)).collect();
    for other in others {
        let meant = meant(other, absent.iter().copied());
        if meant.starts_with("did you mean") {
            all.push(Wrong::at(table.head_of(other), format!("the column `{other}` is not known: {meant}")));
        }
    }
    for name in table.columns().filter(|name| table.columns().filter(|other| other == name).count() > 1) {
        let message = format!("there are several columns `{name}`");
        let twice = Wrong::at(table.head_of(name), message);
        if !name.is_empty() && !all.contains(&twice) {
            all.push(twice);
        }
    }
    all.len() == before
}

/// Whether a text can be an e-mail address. Kisi has further rules.
fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('@').collect();
    matches!(parts.as_slice(), [name, host] if !name.is_empty() && !host.is_empty())
        && !text.chars().any(char::is_whitespace)
}
