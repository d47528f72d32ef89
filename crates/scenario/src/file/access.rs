//! Steps that ask about one member's access: `explain` and `unlock`.

use serde::Deserialize;
use toml::Spanned;

use super::check::Checker;
use super::document::Text;
use super::source::meant;
use super::{Asked, Opening};
use door_access_host::contract::access::Device;

const VERDICTS: [&str; 3] = ["yes", "limited", "no"];
const ATTEMPTS: [&str; 3] = ["opened", "refused", "none"];
const CAUSES: [&str; 27] = [
    "unknown-member",
    "blocked",
    "missing-email",
    "email-in-use",
    "payment-missed",
    "paused",
    "not-started",
    "cancelled",
    "expired",
    "plan-without-access",
    "no-membership",
    "no-account",
    "not-yet-in-provider",
    "provider-differs",
    "group-deleted",
    "group-without-doors",
    "app-access-off",
    "other-door",
    "restricted",
    "door-offline",
    "locked-down",
    "denied",
    "provider-paused",
    "invitation-pending",
    "app-signed-out",
    "bluetooth-off",
    "location-off",
];

/// Whether a member may enter.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Explain {
    member: Text,
    bluetooth: Option<bool>,
    location: Option<bool>,
    signed_in: Option<bool>,
    #[serde(default)]
    verify: bool,
}

/// Opening a door for a member.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Unlock {
    member: Text,
    door: Text,
}

/// What should come of asking.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// `yes`, `limited`, `no`.
    pub(crate) verdict: Option<String>,
    /// `opened`, `refused`, `none`.
    pub(crate) attempt: Option<String>,
    /// Why not, the weightiest first.
    pub(crate) causes: Option<Vec<String>>,
}

impl Checker<'_> {
    /// Whom it is asked about, and what is known of the phone. Somebody who was deleted may be asked about, too.
    pub(super) fn explain(&mut self, explain: Explain) -> Asked {
        let Explain { member, bluetooth, location, signed_in, verify } = explain;
        let (member, name) = self.asked_about(member);
        Asked { member, name, device: Device { bluetooth, location, signed_in }, verify }
    }

    /// Who wants which door opened.
    pub(super) fn unlock(&mut self, unlock: Unlock) -> Opening {
        let (member, name) = self.asked_about(unlock.member);
        Opening { member, name, door: unlock.door.into_inner() }
    }

    fn asked_about(&mut self, member: Text) -> (String, String) {
        self.known_member(&member);
        let id = member.into_inner();
        let name = self.names.get(&id).cloned().unwrap_or_else(|| id.clone());
        (id, name)
    }

    /// What should come of it, in words that there are.
    pub(super) fn answer(
        &mut self,
        verdict: Option<Text>,
        attempt: Option<Text>,
        causes: Option<Spanned<Vec<String>>>,
    ) -> Answer {
        if let Some(verdict) = &verdict {
            self.known_word(verdict, verdict.get_ref(), "verdict", &VERDICTS);
        }
        if let Some(attempt) = &attempt {
            self.known_word(attempt, attempt.get_ref(), "outcome of an `unlock`", &ATTEMPTS);
        }
        for cause in causes.iter().flat_map(Spanned::get_ref) {
            if let Some(causes) = &causes {
                self.known_word(causes, cause, "cause", &CAUSES);
            }
        }
        Answer {
            verdict: verdict.map(Text::into_inner),
            attempt: attempt.map(Text::into_inner),
            causes: causes.map(Spanned::into_inner),
        }
    }

    fn known_word<T>(&mut self, place: &Spanned<T>, word: &str, what: &str, known: &[&str]) {
        if !known.contains(&word) {
            let message = format!("there is no {what} `{word}`: {}", meant(word, known.iter().copied()));
            self.reader.wrong.push(self.reader.source.wrong(&place.span(), message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::word;
    use door_access_host::contract::access::Cause;

    #[test]
    fn every_cause_of_the_contract_can_be_expected() {
        // From the last one on there is nothing more, so the list has them all when it ends with it.
        assert_eq!(CAUSES.len(), Cause::LocationOff as usize + 1);
        assert_eq!(CAUSES.last().copied(), Some(word(&Cause::LocationOff)).as_deref());
        for cause in [Cause::UnknownMember, Cause::NotYetInProvider, Cause::Denied, Cause::ProviderPaused] {
            assert_eq!(CAUSES[cause as usize], word(&cause));
        }
    }
}
