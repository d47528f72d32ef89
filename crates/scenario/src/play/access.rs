//! Asking about one member's access: whether they may enter, and opening a door.

use super::{Player, facts};
use crate::file::{Asked, Opening};
use crate::report::{Fact, FactKind, StepReport};
use crate::unusable::Unusable;
use crate::words::{held, list, moment, word};
use crate::world::Held;
use door_access_host::Called;
use door_access_host::contract::access::{Explanation, Reason, Verdict};
use door_access_host::contract::doors::Attempt;

/// What came of asking, in the contract's words.
#[derive(Default)]
pub(super) struct SeenAnswer {
    pub(super) verdict: Option<String>,
    pub(super) attempt: Option<String>,
    pub(super) causes: Vec<String>,
}

impl Player<'_> {
    /// Asks whether a member may enter.
    pub(super) async fn explain(&mut self, asked: &Asked) -> StepReport {
        let mut told = self.blank("explain", format!("may {} enter?", asked.name));
        self.totals.setup.explains += 1;
        let explained = self.tenant.explain(&asked.member, asked.device, asked.verify).await;
        let Some(explained) = self.answered(explained, &mut told) else { return told };
        let verdict = word(&explained.verdict);
        let opens = opens(&explained, self.world.clock.now_ms());
        told.facts.push(fact(FactKind::Verdict, &verdict, &opens));
        // What keeps nothing shut is told beside a yes, too.
        let kind = if explained.verdict == Verdict::Yes { FactKind::Warning } else { FactKind::Why };
        for alert in &explained.alerts {
            because(kind, &alert.reason, &mut told.facts);
        }
        self.seen.answer.verdict = Some(verdict);
        self.seen.answer.causes = explained.alerts.iter().map(|alert| word(&alert.reason.cause)).collect();
        told
    }

    /// Opens a door, once: an answer that is lost is not asked for again.
    pub(super) async fn unlock(&mut self, asked: &Opening) -> Result<StepReport, Unusable> {
        let door = self.world.door(&asked.door).await?;
        let mut told = self.blank("unlock", format!("{} wants {} opened", asked.name, asked.door));
        self.totals.setup.unlocks += 1;
        let attempt = self.tenant.unlock(&asked.member, &door).await;
        match self.answered(attempt, &mut told) {
            None => {}
            Some(Attempt::Opened) => {
                told.facts.push(fact(FactKind::Opened, "opened", &format!("{} is open.", asked.door)));
                self.seen.answer.attempt = Some("opened".to_owned());
            }
            Some(Attempt::Refused(reason)) => {
                told.facts.push(fact(FactKind::Shut, "refused", &format!("{} stays shut.", asked.door)));
                because(FactKind::Why, &reason, &mut told.facts);
                self.seen.answer.attempt = Some("refused".to_owned());
                self.seen.answer.causes = vec![word(&reason.cause)];
            }
        }
        Ok(told)
    }

    /// Takes note of the requests, and of why there is no answer.
    fn answered<T>(&mut self, said: Called<T>, told: &mut StepReport) -> Option<T> {
        let calls = self.tell_calls(told);
        self.totals.setup_calls += calls.len();
        self.seen.calls.extend(calls);
        match said {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => {
                told.facts.push(facts::error(&error));
                self.seen.error = Some(facts::error_word(&error));
            }
            Err(error) => {
                told.facts.push(facts::broken_off(&error));
                self.seen.error = Some("call".to_owned());
            }
        }
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
    let groups = explained.groups.iter().map(|grant| {
        let (group, from_ms) = (grant.group.name.clone(), grant.window.starts_at);
        let nobody = String::new();
        let grant = Held { name: nobody.clone(), email: nobody, group, role: None, from_ms, until_ms: None };
        held(&grant, now_ms)
    });
    let groups = list(&groups.collect::<Vec<_>>());
    let until = explained.until.map(|until| format!(" until {} UTC", moment(until))).unwrap_or_default();
    let doors: Vec<String> = explained.doors.iter().map(|door| format!("“{}”", door.name)).collect();
    let doors = if doors.is_empty() { "no door from the app".to_owned() } else { list(&doors) };
    format!("Holds {groups}{until}, which opens {doors}.")
}
