//! Sentences that a gym's front desk can read out. Every reason has one; refusals include what to do.

pub mod alert;

use crate::contract::events::{AccountAction, Action, Change, Refusal};
use crate::contract::types::{GroupRef, Reason, Timestamp};
use crate::entitlement::{Desired, Withheld};
use crate::kisi::time::readable;
use crate::ledger::Hold;
use crate::mapping::Mappings;
use crate::plan::Why;
use crate::window::Window;

/// A change, with its reason in words.
pub fn change(action: Action, group: GroupRef, window: Window, why: &Why, mappings: &Mappings) -> Change {
    let name = group_name(&group);
    let (reason, membership) = match why {
        Why::Entitled(desired) => (desired.reason, Some(desired.membership.clone())),
        Why::Lost(withheld) => (withheld.reason, withheld.membership.clone()),
        Why::Moved => (Reason::EmailChanged, None),
        Why::Replaced => (Reason::Entitled, None),
    };
    let explanation = match (action, why) {
        (Action::Adopted, _) => adopted(&group),
        (Action::Granted | Action::Adjusted, Why::Entitled(desired)) => {
            let now = if action == Action::Adjusted { " now" } else { "" };
            let overdue =
                if desired.reason == Reason::PaymentOverdue { ": a payment is overdue" } else { "" };
            let plan = plan_name(&desired.plan, mappings);
            let lease = match leased_until(desired, window) {
                Some(end) => {
                    format!("; the end date in Kisi is {} and is extended in time", readable(end))
                }
                None => String::new(),
            };
            format!("{plan}{now} gives access to {name}{}{overdue}{lease}.", span(shown(window, why)))
        }
        (Action::Revoked, Why::Lost(withheld)) => {
            format!("Removed from {name}: {}.", cause(withheld, mappings))
        }
        (Action::Revoked, Why::Moved) => {
            format!("The old account was removed from {name}: access moved to the new e-mail address.")
        }
        (Action::Revoked, _) => format!("Removed an entry for {name} that another one replaced."),
        (Action::Dropped, Why::Lost(withheld)) => {
            format!("Is no longer in {name}: {}.", cause(withheld, mappings))
        }
        (Action::Dropped, _) => format!("The member was removed from {name} in Kisi."),
        (Action::Granted | Action::Adjusted, _) => format!("Access to {name} holds{}.", span(window)),
    };
    let window = shown(window, why).into();
    Change { action, group, window, reason, membership, ours: true, explanation }
}

/// The dates for the front desk: the membership's end instead of the lease's.
fn shown(window: Window, why: &Why) -> Window {
    match why {
        Why::Entitled(desired) if leased_until(desired, window).is_some() => desired.window,
        _ => window,
    }
}

/// The end of the lease, if Kisi has it in place of the membership's own end.
fn leased_until(desired: &Desired, window: Window) -> Option<Timestamp> {
    window.ends_at.filter(|_| desired.lease_ms > 0 && window.ends_at != desired.window.ends_at)
}

/// A removal of a manual grant.
pub fn removed_by_hand_given(group: GroupRef, window: Window, reason: Reason) -> Change {
    let cause = cause(&Withheld::member(reason), &Mappings::default());
    let explanation =
        format!("Removed from {}, which was given by hand in Kisi: {cause}.", group_name(&group));
    Change {
        action: Action::Revoked,
        group,
        window: window.into(),
        reason,
        membership: None,
        ours: false,
        explanation,
    }
}

/// A reason for withholding something, with its remedy.
pub fn refusal(withheld: &Withheld, mappings: &Mappings) -> Refusal {
    let cause = capitalised(&cause(withheld, mappings));
    let remedy = remedy(withheld.reason);
    Refusal {
        reason: withheld.reason,
        membership: withheld.membership.clone(),
        plan: withheld.plan.clone(),
        group: withheld.group.map(|group| mappings.group_ref(group)),
        explanation: if remedy.is_empty() { format!("{cause}.") } else { format!("{cause}. {remedy}") },
    }
}

/// That a recorded grant is no longer in Kisi.
pub fn dropped(hold: &Hold, mappings: &Mappings) -> Change {
    change(Action::Dropped, mappings.group_ref(hold.group), hold.window, &Why::Replaced, mappings)
}

/// The cause as part of a sentence, in lower case.
fn cause(withheld: &Withheld, mappings: &Mappings) -> String {
    let plan = || match &withheld.plan {
        Some(plan) => plan_name(plan, mappings),
        None => "the membership".to_string(),
    };
    let group = || match withheld.group {
        Some(group) => group_name(&mappings.group_ref(group)),
        None => "the group".to_string(),
    };
    match withheld.reason {
        Reason::Entitled => format!("{} gives access", plan()),
        Reason::NotStarted => match withheld.at {
            Some(at) => format!("{} starts on {}", plan(), readable(at)),
            None => format!("{} has not started yet", plan()),
        },
        Reason::PaymentOverdue => format!("a payment for {} is overdue", plan()),
        Reason::Frozen => match withheld.at {
            Some(at) => format!("{} is frozen until {}", plan(), readable(at)),
            None => format!("{} is frozen", plan()),
        },
        Reason::Cancelled => format!("{} was cancelled", plan()),
        Reason::Expired => match withheld.at {
            Some(at) => format!("{} expired on {}", plan(), readable(at)),
            None => format!("{} has expired", plan()),
        },
        Reason::PlanWithoutAccess => format!("{} does not include door access", plan()),
        Reason::NoMembership => "no membership includes it".to_string(),
        Reason::Blocked => "the member is blocked".to_string(),
        Reason::Deleted => "the member was deleted".to_string(),
        Reason::MissingEmail => "the member has no e-mail address".to_string(),
        Reason::EmailInUse => "the e-mail address already belongs to another member".to_string(),
        Reason::EmailChanged => "the e-mail address changed".to_string(),
        Reason::NoAccount => "Kisi has no user with the member's e-mail address".to_string(),
        Reason::GroupDeleted => format!("{} no longer exists in Kisi", group()),
    }
}

/// What to do about it; empty when nothing can be done.
fn remedy(reason: Reason) -> &'static str {
    match reason {
        Reason::NotStarted => "The door opens by itself from then on.",
        Reason::PaymentOverdue => "Paying brings access back at once.",
        Reason::Frozen => "Resuming the membership brings access back at once.",
        Reason::Cancelled | Reason::Expired | Reason::NoMembership => "A new membership brings access back.",
        Reason::PlanWithoutAccess => "Change to a plan with door access, or map this plan to a group.",
        Reason::Blocked => "Only the gym can lift the block.",
        Reason::MissingEmail => "Enter an e-mail address: door access is tied to it.",
        Reason::EmailInUse => "Enter an e-mail address of the member's own: each person needs one.",
        Reason::NoAccount => {
            "Add the person in Kisi, or let the plugin create accounts (setting missing_user)."
        }
        Reason::GroupDeleted => "Map the plan to another group.",
        Reason::Entitled | Reason::Deleted | Reason::EmailChanged => "",
    }
}

fn plan_name(plan: &str, mappings: &Mappings) -> String {
    format!("\u{201c}{}\u{201d}", mappings.plan_name(plan))
}

/// The group in a sentence: its name, or its id where the name is not known.
pub fn group_name(group: &GroupRef) -> String {
    if group.name.is_empty() {
        format!("group {}", group.id)
    } else {
        format!("\u{201c}{}\u{201d}", group.name)
    }
}

/// The dates as the end of a sentence.
fn span(window: Window) -> String {
    let until = |end: Timestamp| format!(" until {}", readable(end));
    let from = |start: Timestamp| format!(" from {}", readable(start));
    format!(
        "{}{}",
        window.starts_at.map(from).unwrap_or_default(),
        window.ends_at.map(until).unwrap_or_default()
    )
}

fn capitalised(text: &str) -> String {
    let mut text = text.to_string();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// The dates of one of the plugin's grants were changed in Kisi.
pub fn dates_changed(group: &GroupRef) -> String {
    format!("The dates of the access to {} were changed in Kisi.", group_name(group))
}

/// A manual entry is managed by the plugin from now on.
pub fn adopted(group: &GroupRef) -> String {
    format!("Was in {} already, given by hand; the plugin manages it from now on.", group_name(group))
}

/// A manual entry is left unchanged.
pub fn unmanaged(group: &GroupRef) -> String {
    format!(
        "Is in {} by hand, which no membership gives; it was not touched. Remove it in Kisi if it should go.",
        group_name(group)
    )
}

/// A manual entry was found that is not in the record.
pub fn unknown(group: &GroupRef) -> String {
    format!("Is in {} by hand; the next reconciliation checks it.", group_name(group))
}

/// A user without a member is in a mapped group.
pub fn stranger(group: &GroupRef) -> String {
    format!(
        "Is in {}, and no member has this e-mail address; it was not touched. Remove it in Kisi if it should go.",
        group_name(group)
    )
}

/// A higher role is left unchanged.
pub fn elevated(name: &str, role: &str) -> String {
    format!(
        "The member holds the role {role} in \u{201c}{name}\u{201d}; it was not touched. Change it in Kisi if it should go."
    )
}

/// A change of the link between a member and an account.
pub fn tied(action: AccountAction, email: &str) -> String {
    match action {
        AccountAction::Created => format!("An account was created in Kisi for {email}."),
        AccountAction::Linked => format!("The account of {email} was found in Kisi."),
        AccountAction::Renamed => "The account's name was changed in Kisi.".to_string(),
        AccountAction::Unlinked => {
            format!("The account of {email} is no longer this member's; it stays in Kisi.")
        }
    }
}
