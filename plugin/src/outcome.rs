//! Collects what a call did for one member, in the contract's form.

use crate::contract::events::{
    AccountAction, AccountChange, Action, Failure, Grant, Outcome, Warning, WarningKind,
};
use crate::contract::types::{GroupRef, ProviderAnswer, Timestamp};
use crate::entitlement::Entitlement;
use crate::explain;
use crate::id::UserId;
use crate::ledger::{Record, State};
use crate::mapping::Mappings;

/// An empty outcome for `member`.
pub fn new(member: &str) -> Outcome {
    Outcome {
        member: member.to_string(),
        changes: Vec::new(),
        account: Vec::new(),
        refusals: Vec::new(),
        warnings: Vec::new(),
        failures: Vec::new(),
        grants: Vec::new(),
        due_at: None,
    }
}

/// Whether the outcome reports more than the member's grants.
pub fn did_something(outcome: &Outcome) -> bool {
    !(outcome.changes.is_empty() && outcome.account.is_empty() && outcome.failures.is_empty())
}

/// Adds the final grants, refusals and the next date.
pub fn conclude(
    outcome: &mut Outcome,
    record: &Record,
    entitled: &Entitlement,
    now: Timestamp,
    mappings: &Mappings,
) {
    let mut grants: Vec<_> = record
        .holds
        .iter()
        .filter(|hold| matches!(hold.state, State::Held { .. }))
        .map(|hold| {
            // The membership's window, not the end of its lease.
            let leased = entitled
                .desired(hold.group)
                .filter(|desired| desired.lease_ms > 0 && desired.is_met_by(&hold.window, now));
            let window = leased.map_or(hold.window, |desired| desired.window);
            (hold.group, Grant { group: mappings.group_ref(hold.group), window: window.into() })
        })
        .collect();
    grants.sort_by_key(|(group, _)| *group);
    outcome.grants = grants.into_iter().map(|(_, grant)| grant).collect();
    outcome.refusals =
        entitled.withheld.iter().map(|withheld| explain::refusal(withheld, mappings)).collect();
    outcome.due_at = record.due;
}

/// Adds a change of an account.
pub fn account(outcome: &mut Outcome, action: AccountAction, user: UserId, explanation: String) {
    outcome.account.push(AccountChange { action, account: user.to_string(), explanation });
}

/// Adds a warning, once.
pub fn warn(outcome: &mut Outcome, kind: WarningKind, group: Option<GroupRef>, explanation: String) {
    let warning = Warning { kind, group, explanation };
    if !outcome.warnings.contains(&warning) {
        outcome.warnings.push(warning);
    }
}

/// Adds an edit that Kisi refused for good.
pub fn failed(outcome: &mut Outcome, action: Action, group: GroupRef, answer: &ProviderAnswer) {
    let what = match action {
        Action::Granted | Action::Adopted => "add the member to",
        Action::Adjusted => "change the dates of the member's access to",
        Action::Revoked | Action::Dropped => "remove the member from",
    };
    let message = format!(
        "Kisi refused to {what} {} ({}): look at the member in Kisi.",
        explain::group_name(&group),
        answer.message
    );
    outcome.failures.push(Failure { action, group, message, provider: Some(answer.clone()) });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_edit_names_the_group_by_its_id_when_it_is_no_longer_mapped() {
        let answer = ProviderAnswer { status: 422, code: String::new(), message: "no".to_string() };
        for (name, expected) in [("", "from group 7 (no)"), ("Spa", "from \u{201c}Spa\u{201d} (no)")] {
            let mut outcome = new("m-1");
            let group = GroupRef { id: "7".to_string(), name: name.to_string() };
            failed(&mut outcome, Action::Revoked, group, &answer);
            let message = &outcome.failures[0].message;
            assert!(message.contains(expected), "{message}");
        }
    }
}
