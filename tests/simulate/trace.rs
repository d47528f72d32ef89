//! A history in words, for whoever reads what one seed did.

use door_access_testkit::{At, Effect, Fault};

use super::history::{Change, GROUPS, Gym, History, MAPPINGS, PLANS, Spelling, Staff, Step, What};

/// What must be known to read the lines that follow.
pub(crate) fn opening(history: &History) -> String {
    let mut text = String::from(
        "Members are numbered from 0 in each gym: member 2 of gym 1 is member-1-2 for the plugin, and begins as\n\
         person2@gym1.test in Kisi. A line with a time is what happens; below it is what the plugin asked of Kisi because\n\
         of it, and in brackets what went wrong there. What was planned for a moment that did not come has no such mark.\n",
    );
    for (number, Gym { grace_days, lease_days, members }) in history.gyms.iter().enumerate() {
        text += &format!("gym {number}: {members} members, grace {grace_days} d, lease {lease_days} d\n");
    }
    text += &format!("Kisi here: {:?}\n", history.knobs);
    if !history.last_events {
        text += "Nobody gets a last event at the end: time alone must mend everything.\n";
    }
    text
}

/// What happens to a gym beside the steps.
pub(crate) fn moment(now: &str, gym: usize, happens: &str) -> String {
    format!("     {now}  gym {gym} {happens}")
}

/// A step, at a time of the simulation.
pub(crate) fn step(number: usize, now: &str, step: &Step) -> String {
    let Step { gym, what: happens, faults } = step;
    let faults: Vec<String> = faults.iter().map(fault).collect();
    let faults = if faults.is_empty() { String::new() } else { format!("; planned: {}", faults.join(", ")) };
    format!("{number:3}  {now}  gym {gym}: {}{faults}", what(happens))
}

fn fault(Fault { at, effect }: &Fault) -> String {
    let (boundary, before) = match at {
        At::Request(before) => ("request", before),
        At::Commit(before) => ("commit", before),
        At::Read(before) => ("read of storage", before),
        At::Directory(before) => ("look at the directory", before),
    };
    format!("{boundary} {}: {}", before + 1, words(*effect))
}

/// What an effect is to a reader.
fn words(effect: Effect) -> &'static str {
    match effect {
        Effect::KillBefore => "killed before it",
        Effect::KillAfter => "killed after it",
        Effect::LoseAnswer => "done, and the answer lost",
        Effect::Refuse => "not sent",
        Effect::TooMany => "429",
        Effect::Unavailable => "fails",
        Effect::UnavailableAfterCommit => "done, and said to have failed",
        Effect::Html => "answered with HTML",
        Effect::Late => "answered too late",
        Effect::Truncated => "answered with half a body",
        Effect::NotAnArray => "answered with no list",
        Effect::Shifted => "answered with a shifted page",
        Effect::Repeated => "answered with the page before",
        Effect::Conflict => "somebody else was faster",
        Effect::Full => "storage is full",
    }
}

fn what(what: &What) -> String {
    match what {
        What::Buy { who, plan, starts_in_hours, lasts_hours } => {
            let from = match starts_in_hours {
                0 => String::new(),
                hours => format!(" from {hours:+} h"),
            };
            let lasts =
                lasts_hours.map_or_else(|| " without an end".to_owned(), |hours| format!(" for {hours} h"));
            format!("member {who} buys {}{from}{lasts}", PLANS[*plan])
        }
        What::Change { who, nth, how } => format!("membership {nth} of member {who}: {}", change(how)),
        What::Block { who, blocked: true } => format!("member {who} is blocked"),
        What::Block { who, blocked: false } => format!("member {who} is blocked no more"),
        What::Email { who, email: None, .. } => format!("member {who} has no address any more"),
        What::Email { who, email: Some(email), spelling } => {
            let how = match spelling {
                Spelling::Plain => "",
                Spelling::Upper => ", in capitals",
                Spelling::Blanks => ", with blanks around it",
            };
            format!("member {who} has the address of person{email}{how}")
        }
        What::Rename { who, name } => format!("member {who} is now called Person {who} the {name}"),
        What::Delete { who } => format!("member {who} is deleted"),
        What::Map { mapping } => {
            let entries: Vec<String> =
                MAPPINGS[*mapping].iter().map(|(plan, group)| format!("{plan} opens {group}")).collect();
            format!("mapping: {}", if entries.is_empty() { "nothing".to_owned() } else { entries.join(", ") })
        }
        What::Staff(staff) => format!("in Kisi, {}", by_hand(staff)),
        What::Deliver { nth, again } => {
            let again = if *again { ", and stays to come once more" } else { "" };
            format!("event {nth} of those that wait comes{again}")
        }
        What::Replay { who } => format!("an event about member {who}, to whom nothing happened"),
        What::Lose { nth } => format!("event {nth} of those that wait is lost"),
        What::Tick { calls } => format!("tick, with {calls} calls"),
        What::Sync { preview, calls, steps } => {
            let mode = if *preview { "preview" } else { "apply" };
            format!("reconciliation ({mode}), {steps} steps of {calls} calls")
        }
        What::Confirm => "the reconciliation is confirmed".to_owned(),
        What::Cancel => "the reconciliation is given up".to_owned(),
        What::Connect => "connect".to_owned(),
        What::Alone { days } => format!("{days} days on its own, with ticks when they are due"),
        What::Vanish { keep } => {
            format!("the directory shows its first {keep} members only, and tells nobody")
        }
        What::Return => "the directory shows everybody again".to_owned(),
        What::Readdress => "the directory shows other people's addresses, and tells nobody".to_owned(),
        What::Damage { who } => format!("the plugin's record of member {who} is damaged"),
        What::Explain { who, verify } => {
            format!("explain member {who}{}", if *verify { ", and look at Kisi" } else { "" })
        }
        What::Login { who } => format!("a login for member {who}"),
        What::Unlock { who } => format!("the first door of member {who} is opened"),
        What::Pass { minutes } => format!("{minutes} minutes pass"),
        What::Skew { minutes } => format!("the host's clock is {minutes:+} minutes off"),
        What::Storm { requests, status } => {
            format!("the next {requests} requests are answered with {status}")
        }
    }
}

fn change(how: &Change) -> String {
    match how {
        Change::Renew => "renewed".to_owned(),
        Change::Freeze { hours: None } => "frozen".to_owned(),
        Change::Freeze { hours: Some(hours) } => format!("frozen for {hours} h"),
        Change::Resume => "resumed".to_owned(),
        Change::Cancel => "cancelled".to_owned(),
        Change::Expire => "expired".to_owned(),
        Change::Overdue => "payment overdue".to_owned(),
        Change::Pay => "paid".to_owned(),
        Change::Plan(plan) => format!("changed to {}", PLANS[*plan]),
    }
}

fn by_hand(staff: &Staff) -> String {
    match staff {
        Staff::Invite { person } => format!("staff invites person{person}"),
        Staff::Assign { person, group, elevated, lasts_hours } => {
            let role = if *elevated { " as its manager" } else { "" };
            let lasts = lasts_hours.map(|hours| format!(" for {hours} h")).unwrap_or_default();
            format!("staff puts person{person} into {}{role}{lasts}", GROUPS[*group])
        }
        Staff::Unassign { nth } => format!("staff takes assignment {nth}"),
        Staff::Promote { nth } => format!("staff makes assignment {nth} a manager's"),
        Staff::Crowd { group } => format!("staff puts a page of strangers into {}", GROUPS[*group]),
        Staff::DeleteGroup { group } => format!("staff deletes {}", GROUPS[*group]),
        Staff::RenameGroup { group } => format!("staff renames {}", GROUPS[*group]),
        Staff::DeleteUser { nth } => format!("staff deletes user {nth}"),
        Staff::RotateKey => "the key is replaced".to_owned(),
    }
}
