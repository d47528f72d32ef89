//! Steps about one member's access: `explain` and `unlock`.

use super::{Player, facts};
use crate::file::{Attempted, Explain, Unlock};
use crate::report::{Fact, FactKind, StepReport};
use crate::unusable::Unusable;
use crate::words::{held, list, moment, word};
use door_access_host::Called;
use door_access_host::contract::access::{Device, Explanation, Reason, Verdict};
use door_access_host::contract::doors::Attempt;
use door_access_host::contract::types::Window;

/// The result of an `explain` or `unlock`.
#[derive(Default)]
pub(super) struct SeenAnswer {
    pub(super) verdict: Option<Verdict>,
    pub(super) attempt: Option<Attempted>,
    /// The words of the causes.
    pub(super) causes: Vec<String>,
}

impl Player<'_> {
    /// Whether a member may enter.
    pub(super) async fn explain(&mut self, explain: &Explain) -> StepReport {
        let member = explain.member.get_ref();
        let mut told = self.blank("explain", format!("may {} enter?", self.name(member)));
        self.totals.setup.explains += 1;
        let Explain { bluetooth, location, signed_in, verify, .. } = *explain;
        let device = Device { bluetooth, location, signed_in };
        let explained = self.tenant.explain(member, device, verify).await;
        let Some(explained) = self.answered(explained, &mut told) else { return told };
        let opens = opens(&explained, self.world.clock.now_ms());
        told.facts.push(fact(FactKind::Verdict, &word(&explained.verdict), &opens));
        // Beside a yes, the reasons are warnings.
        let kind = if explained.verdict == Verdict::Yes { FactKind::Warning } else { FactKind::Why };
        for alert in &explained.alerts {
            because(kind, &alert.reason, &mut told.facts);
        }
        self.seen.answer.verdict = Some(explained.verdict);
        self.seen.answer.causes = explained.alerts.iter().map(|alert| word(&alert.reason.cause)).collect();
        told
    }

    /// Opens a door. The call is made once, even when its answer is lost.
    pub(super) async fn unlock(&mut self, unlock: &Unlock) -> Result<StepReport, Unusable> {
        let (member, name) = (unlock.member.get_ref(), &unlock.door);
        let door = self.world.door(name).await?;
        let mut told = self.blank("unlock", format!("{} wants {name} opened", self.name(member)));
        self.totals.setup.unlocks += 1;
        let attempt = self.tenant.unlock(member, &door).await;
        match self.answered(attempt, &mut told) {
            None => {}
            Some(Attempt::Opened) => {
                told.facts.push(fact(FactKind::Opened, "opened", &format!("{name} is open.")));
                self.seen.answer.attempt = Some(Attempted::Opened);
            }
            Some(Attempt::Refused(reason)) => {
                told.facts.push(fact(FactKind::Shut, "refused", &format!("{name} stays shut.")));
                because(FactKind::Why, &reason, &mut told.facts);
                self.seen.answer.attempt = Some(Attempted::Refused);
                self.seen.answer.causes = vec![word(&reason.cause)];
            }
        }
        Ok(told)
    }

    /// The answer, if there is one. Records the requests and the error.
    fn answered<T>(&mut self, said: Called<T>, told: &mut StepReport) -> Option<T> {
        let calls = self.tell_calls(told);
        self.totals.setup_calls += calls.len();
        self.seen.calls.extend(calls);
        let fact = match said {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => facts::error(&error),
            Err(error) => facts::broken_off(&error),
        };
        self.seen.error.clone_from(&fact.word);
        told.facts.push(fact);
        None
    }
}

fn fact(kind: FactKind, word: &str, text: &str) -> Fact {
    Fact { word: Some(word.to_owned()), ..facts::plain(kind, text) }
}

/// A reason, for the front desk and for the member.
fn because(kind: FactKind, reason: &Reason, told: &mut Vec<Fact>) {
    told.push(fact(kind, &word(&reason.cause), &reason.for_staff));
    told.push(fact(FactKind::Say, &word(&reason.remedy), &reason.for_member));
}

/// What opens, and until when.
fn opens(explained: &Explanation, now_ms: u64) -> String {
    if explained.groups.is_empty() {
        return "No door opens.".to_owned();
    }
    // The end is printed once, after all groups.
    let groups = explained
        .groups
        .iter()
        .map(|grant| held(&grant.group.name, None, Window { ends_at: None, ..grant.window }, now_ms));
    let groups = list(&groups.collect::<Vec<_>>());
    let until = explained.until.map(|until| format!(" until {} UTC", moment(until))).unwrap_or_default();
    let doors: Vec<String> = explained.doors.iter().map(|door| format!("“{}”", door.name)).collect();
    let doors = if doors.is_empty() { "no door from the app".to_owned() } else { list(&doors) };
    format!("Holds {groups}{until}, which opens {doors}.")
}
