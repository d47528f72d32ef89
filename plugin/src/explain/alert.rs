//! Alerts in words: every reason why a door may stay shut, with its remedy, a sentence for the member and one for the
//! front desk.

use super::group_name;
use crate::access::Alert;
use crate::contract::access::{self, Cause, Remedy};
use crate::contract::types::Reason;
use crate::mapping::Mappings;

/// The cause that stands for a reason in an alert.
pub fn cause_of(reason: Reason) -> Cause {
    match reason {
        Reason::Deleted => Cause::UnknownMember,
        Reason::Blocked => Cause::Blocked,
        Reason::MissingEmail => Cause::MissingEmail,
        Reason::EmailInUse => Cause::EmailInUse,
        Reason::PaymentOverdue => Cause::PaymentMissed,
        Reason::Frozen => Cause::Paused,
        Reason::NotStarted => Cause::NotStarted,
        Reason::Cancelled => Cause::Cancelled,
        Reason::Expired => Cause::Expired,
        Reason::PlanWithoutAccess => Cause::PlanWithoutAccess,
        Reason::NoAccount => Cause::NoAccount,
        Reason::GroupDeleted => Cause::GroupDeleted,
        Reason::NoMembership | Reason::Entitled | Reason::EmailChanged => Cause::NoMembership,
    }
}

/// An alert in the contract's form.
pub fn alert(alert: &Alert, mappings: &Mappings) -> access::Alert {
    let (remedy, for_member, staff) = words(alert.cause);
    let remedy = alert.remedy.unwrap_or(remedy);
    let group = alert.group.map(|group| mappings.group_ref(group));
    let for_staff = match &group {
        _ if !alert.for_staff.is_empty() => alert.for_staff.clone(),
        Some(group) => {
            let link = if staff.starts_with("has ") { " " } else { ": " };
            format!("{}{link}{staff}", group_name(group))
        }
        None => staff.to_string(),
    };
    let for_member = if for_member.is_empty() { ASK } else { for_member }.to_string();
    let reason = access::Reason { cause: alert.cause, remedy, for_member, for_staff };
    access::Alert { reason, membership: alert.membership.clone(), group, at: alert.at }
}

/// The sentence for the member where only the gym can help.
const ASK: &str = "Something is wrong with your access. Ask at the front desk.";

/// The remedy, the sentence for the member (empty: [`ASK`]) and the one for the front desk (empty where the alert has its
/// own).
fn words(cause: Cause) -> (Remedy, &'static str, &'static str) {
    match cause {
        Cause::UnknownMember => (Remedy::AskStaff, "This gym does not know you. Ask at the front desk.", ""),
        Cause::Blocked => (Remedy::AskStaff, "The gym has ended your access. Ask at the front desk.", ""),
        Cause::MissingEmail => {
            (Remedy::ChangeEmail, "Enter your e-mail address: door access is tied to it.", "")
        }
        Cause::EmailInUse => {
            (Remedy::ChangeEmail, "Your e-mail address is another member's. Enter your own.", "")
        }
        Cause::PaymentMissed => (
            Remedy::Pay,
            "A payment is missing. Pay, and your access stays or comes back at once.",
            "A payment is overdue: access ends when the grace does.",
        ),
        Cause::Paused => {
            (Remedy::Resume, "Your membership is paused. Resume it, and the doors open at once.", "")
        }
        Cause::NotStarted => (Remedy::Wait, "The doors open by themselves when your membership starts.", ""),
        Cause::Cancelled => (Remedy::Buy, "Your membership was cancelled. Buy a new one.", ""),
        Cause::Expired => (Remedy::Buy, "Your membership has ended. Buy a new one.", ""),
        Cause::PlanWithoutAccess => {
            (Remedy::ChangePlan, "Your plan opens no doors. Change to one that does.", "")
        }
        Cause::NoMembership => (Remedy::Buy, "You have no membership. Buy one.", ""),
        Cause::NoAccount => (
            Remedy::AskStaff,
            "",
            "Kisi has no user with the member's e-mail address: add one there, or let the plugin do it \
             (setting missing_user).",
        ),
        Cause::NotYetInProvider => (
            Remedy::Synchronize,
            "Your access is being set up. Try again in a minute, then ask at the front desk.",
            "Kisi does not have the member yet: the next event or reconciliation adds them.",
        ),
        Cause::ProviderDiffers => (Remedy::Synchronize, "", ""),
        Cause::GroupDeleted => (Remedy::AskStaff, "", ""),
        Cause::GroupWithoutDoors => (Remedy::AskAdministrator, "", "has no doors: add them in Kisi."),
        Cause::AppAccessOff => (
            Remedy::UseProviderApp,
            "Some doors do not open from the app. Use your card.",
            "access from the app is off in Kisi, members need a card.",
        ),
        Cause::OtherDoor => (
            Remedy::ChangePlan,
            "This door is not part of your access.",
            "The member is currently in no group with this door.",
        ),
        Cause::Restricted => (
            Remedy::UseProviderApp,
            "This door asks for more than your membership. Use Kisi's app or a card.",
            "Kisi restricts the group (hours, distance or device) and can check that in its own app alone.",
        ),
        Cause::DoorOffline => (
            Remedy::AskStaff,
            "The door cannot be reached. Ask at the front desk.",
            "The door's controller is offline.",
        ),
        Cause::LockedDown => (
            Remedy::AskStaff,
            "The door is locked down. Ask at the front desk.",
            "The door or its place is locked down in Kisi.",
        ),
        Cause::Denied => (Remedy::AskStaff, "", ""),
        Cause::ProviderPaused => (
            Remedy::AskAdministrator,
            "Changes of your access arrive later. Ask at the front desk.",
            "The connection to Kisi is paused: no change arrives until the gym connects again.",
        ),
        Cause::InvitationPending => (
            Remedy::AcceptInvitation,
            "Accept the invitation that Kisi mailed you, then sign in.",
            "Kisi's invitation was not accepted: it is in the member's mail.",
        ),
        Cause::AppSignedOut => (Remedy::SignIn, "Sign in to the app.", "The app is not signed in."),
        Cause::BluetoothOff => (Remedy::TurnBluetoothOn, "Turn Bluetooth on.", "Bluetooth is off."),
        Cause::LocationOff => {
            (Remedy::TurnLocationOn, "Let the app use your location.", "The app may not use the location.")
        }
    }
}
