//! `harness map --preview`: who would gain and lose which group by another mapping. Nothing is changed.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::super::console::{Answer, Console};
use super::super::session::Session;
use crate::exit::{Exit, Stop};
use crate::report::{Page, Table, Tone, counted};
use door_access_host::contract::mappings::{Effect, Mapping};
use door_access_host::contract::types::GroupRef;

/// Printed people of each kind; `--json` prints all.
const PEOPLE: usize = 10;

#[derive(Serialize)]
#[serde(tag = "type", rename = "mapping-preview")]
struct Foreseen {
    /// The number of members who would gain or lose a group.
    members: usize,
    groups: Vec<GroupCounts>,
    effects: Vec<EffectFacts>,
}

/// How many members would gain and lose a group.
#[derive(Serialize)]
struct GroupCounts {
    id: String,
    name: String,
    gain: usize,
    lose: usize,
}

/// A group that a member would gain or lose.
#[derive(Serialize)]
struct EffectFacts {
    member: String,
    #[serde(skip)]
    who: String,
    group: String,
    group_name: String,
    gains: bool,
}

/// Reads all pages of the preview.
pub(super) async fn run(
    session: &Session,
    wanted: &[Mapping],
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    session.roll.aside.refuse("a preview")?;
    let mut effects: Vec<Effect> = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let after = next.as_deref();
        let page = session.ask(console, async |tenant| tenant.preview_mappings(wanted, after).await).await?;
        effects.extend(page.effects);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    console.tell(&foreseen(session, &effects))?;
    Ok(Exit::AsExpected)
}

fn foreseen(session: &Session, effects: &[Effect]) -> Foreseen {
    let mut groups: BTreeMap<(&str, &str), (usize, usize)> = BTreeMap::new();
    for Effect { group: GroupRef { id, name }, gains, .. } in effects {
        let (gain, lose) = groups.entry((name, id)).or_default();
        *if *gains { gain } else { lose } += 1;
    }
    let groups = groups.into_iter().map(|((name, id), (gain, lose))| {
        let (id, name) = (id.to_owned(), name.to_owned());
        GroupCounts { id, name, gain, lose }
    });
    let effect = |effect: &Effect| EffectFacts {
        member: effect.member.clone(),
        who: session.roll.named(&effect.member),
        group: effect.group.id.clone(),
        group_name: effect.group.name.clone(),
        gains: effect.gains,
    };
    // The effects are ordered by member.
    let mut members: Vec<&str> = effects.iter().map(|effect| effect.member.as_str()).collect();
    members.dedup();
    Foreseen {
        members: members.len(),
        groups: groups.collect(),
        effects: effects.iter().map(effect).collect(),
    }
}

impl Answer for Foreseen {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        if self.effects.is_empty() {
            return page.wide(Tone::Plain, "No member would gain or lose access. Nothing was changed.");
        }
        let mut table = Table::new(["group", "gain it", "lose it"]);
        let count = |tone, count: usize| (if count == 0 { Tone::Faint } else { tone }, count.to_string());
        for group in &self.groups {
            let name = (Tone::Plain, group.name.clone());
            table.row([name, count(Tone::Good, group.gain), count(Tone::Bad, group.lose)]);
        }
        page.table(table)?;
        for (gains, tone, head) in [(true, Tone::Good, "Would gain"), (false, Tone::Bad, "Would lose")] {
            self.people(page, gains, tone, head)?;
        }
        page.gap()?;
        let text = format!(
            "{} would gain or lose something. Nothing was changed. Run it without --preview to change the mapping.",
            counted(self.members, "member")
        );
        page.wide(Tone::Plain, &text)
    }
}

impl Foreseen {
    fn people(&self, page: &mut Page, gains: bool, tone: Tone, head: &str) -> io::Result<()> {
        let mut people: Vec<(&str, Vec<&str>)> = Vec::new();
        for effect in self.effects.iter().filter(|effect| effect.gains == gains) {
            match people.last_mut() {
                Some((who, groups)) if *who == effect.who => groups.push(&effect.group_name),
                _ => people.push((&effect.who, vec![&effect.group_name])),
            }
        }
        if people.is_empty() {
            return Ok(());
        }
        page.gap()?;
        page.wide(Tone::Head, &format!("{head}: {}", people.len()))?;
        let mut table = Table::new(["who", "groups"]);
        for (who, groups) in people.iter().take(PEOPLE) {
            table.row([(tone, (*who).to_owned()), (Tone::Plain, groups.join(", "))]);
        }
        page.table(table)?;
        match people.len().checked_sub(PEOPLE) {
            None | Some(0) => Ok(()),
            Some(more) => page.wide(Tone::Faint, &format!("and {more} more; --json names all")),
        }
    }
}
