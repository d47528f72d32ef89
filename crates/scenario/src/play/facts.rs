//! Facts for the report, from the plugin's outcomes and errors and from what the player did.

use crate::file::Hand;
use crate::report::{Call, Fact, FactKind, LogEntry};
use crate::words::word;
use door_access_host::contract::events::{Action, Outcome};
use door_access_host::contract::sync::{Finding, FindingKind};
use door_access_host::contract::types::{Demand, Error, InputError, Problem, ProviderAnswer};
use door_access_host::{CallError, Exchange, ExchangeEnd, LogLine};

/// Units of time, the longest first, in milliseconds.
const UNITS: [(u64, &str); 4] =
    [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];

/// A fact that is only a sentence.
pub fn plain(kind: FactKind, text: impl Into<String>) -> Fact {
    Fact { kind, word: None, member: None, group: None, text: text.into() }
}

/// What the player did next.
pub fn then(text: &str) -> Fact {
    plain(FactKind::Then, text)
}

/// Nothing had to be done.
pub fn nothing() -> Fact {
    plain(FactKind::Nothing, "Everything is as it should be already.")
}

/// The facts of an outcome. `member` is named when it is not the event's.
pub fn of_outcome(outcome: &Outcome, member: Option<&str>) -> Vec<Fact> {
    let fact = |kind, word: Option<String>, group: Option<&str>, text: &str| Fact {
        kind,
        word,
        member: member.map(str::to_owned),
        group: group.map(str::to_owned),
        text: text.to_owned(),
    };
    let mut facts = Vec::new();
    for change in &outcome.account {
        facts.push(fact(FactKind::Account, Some(word(&change.action)), None, &change.explanation));
    }
    for change in &outcome.changes {
        let kind = match change.action {
            Action::Granted => FactKind::Granted,
            Action::Adopted => FactKind::Adopted,
            Action::Adjusted => FactKind::Adjusted,
            Action::Revoked => FactKind::Revoked,
            Action::Dropped => FactKind::Dropped,
        };
        facts.push(fact(kind, Some(word(&change.reason)), Some(&change.group.name), &change.explanation));
    }
    for refusal in &outcome.refusals {
        let group = refusal.group.as_ref().map(|group| group.name.as_str());
        facts.push(fact(FactKind::Refused, Some(word(&refusal.reason)), group, &refusal.explanation));
    }
    for warning in &outcome.warnings {
        let group = warning.group.as_ref().map(|group| group.name.as_str());
        facts.push(fact(FactKind::Warning, Some(word(&warning.kind)), group, &warning.explanation));
    }
    for failure in &outcome.failures {
        let text = with_answer(&failure.message, failure.provider.as_ref());
        facts.push(fact(FactKind::Failed, Some(word(&failure.action)), Some(&failure.group.name), &text));
    }
    if let Some(at) = outcome.due_at {
        facts.push(fact(FactKind::Due, None, None, &format!("Next check on {}.", crate::words::moment(at))));
    }
    facts
}

/// A finding of a tick.
pub fn of_finding(finding: &Finding, member: Option<String>) -> Fact {
    let kind = match finding.kind {
        FindingKind::Gains => FactKind::Granted,
        FindingKind::Loses => FactKind::Revoked,
        FindingKind::ChangesDates => FactKind::Adjusted,
        FindingKind::Adopted => FactKind::Adopted,
        FindingKind::Drifted => FactKind::Dropped,
        FindingKind::Unmanaged | FindingKind::ElevatedRole => FactKind::Warning,
        FindingKind::Conflict => FactKind::Refused,
        FindingKind::Failure => FactKind::Failed,
    };
    let group = finding.group.as_ref().map(|group| group.name.clone());
    Fact { kind, word: None, member, group, text: finding.explanation.clone() }
}

/// A call that failed.
pub fn error(error: &Error) -> Fact {
    let text = with_answer(&error.message, error.provider.as_ref());
    Fact { word: Some(error_word(error)), ..plain(FactKind::Error, text) }
}

/// A call that failed, perhaps because its input was wrong.
pub fn input_error(error: &InputError) -> Fact {
    match error {
        InputError::Failed(error) => self::error(error),
        InputError::Wrong(problems) => {
            let path = problems.first().map(|problem| problem.path.as_str()).unwrap_or_default();
            Fact { word: Some(format!("settings:{path}")), ..plain(FactKind::Error, sentences(problems)) }
        }
    }
}

/// A call that ended without the plugin's answer.
pub fn broken_off(error: &CallError) -> Fact {
    Fact { word: Some("call".to_owned()), ..plain(FactKind::Error, format!("{error}.")) }
}

/// An error's closed words: `retry`, `pause:key-rejected`, `reject`.
pub fn error_word(error: &Error) -> String {
    match &error.demand {
        Demand::Retry(_) => "retry".to_owned(),
        Demand::Pause(cause) => format!("pause:{}", word(cause)),
        Demand::Reject => "reject".to_owned(),
    }
}

/// All problems, each with its path.
pub fn sentences(problems: &[Problem]) -> String {
    let told: Vec<String> =
        problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    told.join("; ")
}

fn with_answer(message: &str, answer: Option<&ProviderAnswer>) -> String {
    match answer {
        Some(answer) => {
            format!("{message} (Kisi answered {}: {}.)", answer.status, answer.message.trim_end_matches('.'))
        }
        None => message.to_owned(),
    }
}

/// A request for the report.
pub fn call(exchange: &Exchange, bodies: bool) -> Call {
    let (status, failure) = match &exchange.end {
        ExchangeEnd::Answered { status, .. } => (Some(*status), None),
        ExchangeEnd::Denied(denial) => (None, Some(format!("not sent: {denial}"))),
        ExchangeEnd::Withheld(denial) => (None, Some(format!("answer withheld: {denial}"))),
        ExchangeEnd::Failed(error) => (None, Some(error.to_string())),
        ExchangeEnd::Abandoned => (None, Some("the call ended first".to_owned())),
    };
    let body = bodies && !exchange.request_body.is_empty();
    let body = body.then(|| String::from_utf8_lossy(&exchange.request_body).into_owned());
    Call { method: exchange.method.clone(), path: exchange.path.clone(), status, failure, body }
}

/// A log line for the report.
pub fn log(line: &LogLine) -> LogEntry {
    let LogLine { at_ms, level, message, fields, .. } = line;
    LogEntry { at: *at_ms, level: word(level), message: message.clone(), fields: fields.clone() }
}

/// A fault, as the title of a step.
pub(crate) fn fault(fault: &kisi_sim::Fault) -> String {
    let times = match fault.times {
        1 => "once".to_owned(),
        u32::MAX => "from now on".to_owned(),
        times => format!("{times} times"),
    };
    let skip = if fault.skip > 0 { format!(", after {} that pass", fault.skip) } else { String::new() };
    format!("Kisi will fail {times}: {} on {}{skip}", fault.effect.name(), fault.route)
}

/// What staff did, as the title of a step.
pub(crate) fn hand(hand: &Hand) -> String {
    let did = match hand {
        Hand::AddGroup { name } => format!("adds the group {name}"),
        Hand::RenameGroup { group, name } => format!("renames the group {} to {name}", group.get_ref()),
        Hand::DeleteGroup { group } => format!("deletes the group {}", group.get_ref()),
        Hand::AppAccess { group, on: true } => format!("turns app access of {} on", group.get_ref()),
        Hand::AppAccess { group, on: false } => format!("turns app access of {} off", group.get_ref()),
        Hand::AddPerson { name, email } => format!("adds {name} ({email})"),
        Hand::DeletePerson { email } => format!("deletes {email}"),
        Hand::Assign { email, group, role: None } => format!("adds {email} to {}", group.get_ref()),
        Hand::Assign { email, group, role: Some(role) } => {
            format!("adds {email} to {} as {role}", group.get_ref())
        }
        Hand::Unassign { email, group } => format!("removes {email} from {}", group.get_ref()),
        Hand::Suspend { email, on: true } => format!("suspends {email}"),
        Hand::Suspend { email, on: false } => format!("ends the suspension of {email}"),
        Hand::AccessHours { group, from, until } => {
            format!("restricts the group {} to {from}–{until}", group.get_ref())
        }
        Hand::DoorOnline { door, on: true } => format!("takes {door} online again"),
        Hand::DoorOnline { door, on: false } => format!("takes {door} offline"),
        Hand::LockDown { door, on: true } => format!("locks down {door}"),
        Hand::LockDown { door, on: false } => format!("ends the lockdown of {door}"),
        Hand::OrganizationRole { email, role } => {
            format!("makes {email} {}", role.role_id().unwrap_or("a plain member").replace('_', " "))
        }
        Hand::RevokeKey => "revokes the plugin's key".to_owned(),
    };
    format!("by hand, in Kisi · staff {did}")
}

/// A length of time in words.
pub fn span(ms: u64) -> String {
    let mut rest = ms;
    let mut words = Vec::new();
    for (unit_ms, name) in UNITS {
        let count = rest / unit_ms;
        rest %= unit_ms;
        if count > 0 {
            words.push(format!("{count} {name}{}", if count == 1 { "" } else { "s" }));
        }
    }
    if rest > 0 || words.is_empty() {
        words.push(format!("{rest} ms"));
    }
    words.join(" ")
}
