//! `harness status`: the state of the installation, from its own records.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::console::{Answer, Console};
use super::facts::when;
use super::session::Session;
use super::sync::JobFacts;
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone, counted};
use door_access_host::contract::connection::State;
use door_access_scenario::words::{person, word};

/// The state.
#[derive(Serialize)]
#[serde(tag = "type", rename = "status")]
struct Status {
    /// `connected`, `not-connected`, `paused`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<Paused>,
    organization: String,
    account: String,
    email: String,
    key_checked_at: Option<u64>,
    groups_refreshed_at: Option<u64>,
    last_synced_at: Option<u64>,
    kisi: String,
    plugin: String,
    component: PathBuf,
    members_file: PathBuf,
    members: usize,
    memberships: usize,
    plans: usize,
    time_zone: String,
    /// What is wrong in the rows that are set aside.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set_aside: Vec<String>,
    groups: u32,
    mappings: u32,
    flawed_groups: Vec<FlawedGroup>,
    tied_members: u32,
    grants: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<JobFacts>,
}

/// A group that a plan is mapped to and that opens nothing, with the contract's words for why.
#[derive(Serialize)]
struct FlawedGroup {
    name: String,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Paused {
    cause: String,
    message: String,
}

/// Shows the state. The exit code also says whether the installation is paused.
pub(super) async fn run(session: &Session, console: &mut Console<'_>) -> Result<Exit, Stop> {
    let health = session.ask(console, async |tenant| tenant.status().await).await?;
    let job = session.ask(console, async |tenant| tenant.sync_status().await).await?;
    let (state, paused) = match &health.state {
        State::NotConnected => ("not-connected", None),
        State::Connected => ("connected", None),
        State::Paused(pause) => {
            let (cause, message) = (word(&pause.cause), pause.message.clone());
            ("paused", Some(Paused { cause, message }))
        }
    };
    let (account, email) = health.account.map(|account| (account.name, account.email)).unwrap_or_default();
    let flawed = health.flawed_groups.iter().map(|group| FlawedGroup {
        name: group.name.clone(),
        warnings: group.warnings.iter().map(word).collect(),
    });
    let manifest = session.plugin.manifest();
    let status = Status {
        state,
        paused,
        organization: health.organization.map(|organization| organization.name).unwrap_or_default(),
        account,
        email,
        key_checked_at: health.last_checked,
        groups_refreshed_at: health.groups_refreshed,
        last_synced_at: health.last_synced,
        kisi: session.config.kisi.clone(),
        plugin: format!("{} {}", manifest.title, manifest.version),
        component: session.config.component.clone(),
        members_file: session.config.members.clone(),
        members: session.roll.members.len(),
        memberships: session.roll.memberships(),
        plans: session.roll.plans.len(),
        time_zone: session.config.time_zone.to_string(),
        set_aside: session.roll.aside.wrong().iter().map(ToString::to_string).collect(),
        groups: health.counts.groups,
        mappings: health.counts.mappings,
        flawed_groups: flawed.collect(),
        tied_members: health.counts.members,
        grants: health.counts.grants,
        sync: job.as_ref().map(JobFacts::of),
    };
    console.tell(&status)?;
    Ok(if status.paused.is_some() { Exit::Paused } else { Exit::AsExpected })
}

impl Answer for Status {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &format!("“{}” is {}", self.organization, self.state.replace('-', " ")))?;
        if let Some(paused) = &self.paused {
            page.labelled(Tone::Bad, "paused", &paused.message, &format!("[{}]", paused.cause))?;
        }
        let (groups, plans) = (counted(self.groups, "group"), counted(self.plans, "plan"));
        let (members, memberships) =
            (counted(self.members, "member"), counted(self.memberships, "membership"));
        let facts = [
            ("key", key(&self.account, &self.email, self.key_checked_at)),
            ("kisi", self.kisi.clone()),
            ("plugin", format!("{}, {}", self.plugin, self.component.display())),
            (
                "members",
                format!("{members} with {memberships} of {plans}, in {}", self.members_file.display()),
            ),
            ("zone", format!("{}: days in the members' file begin and end at its midnight", self.time_zone)),
            ("groups", format!("{groups}, read {}", when(self.groups_refreshed_at))),
        ];
        for (label, text) in facts {
            page.labelled(Tone::Faint, label, &text, "")?;
        }
        for wrong in &self.set_aside {
            page.labelled(Tone::Bad, "set aside", wrong, "")?;
        }
        let (tone, mapping) = match self.mappings {
            0 => (Tone::Care, "no plan opens anything yet: `harness map PLAN GROUP`".to_owned()),
            1 => (Tone::Faint, "1 entry".to_owned()),
            entries => (Tone::Faint, format!("{entries} entries")),
        };
        page.labelled(tone, "mapping", &mapping, "")?;
        for group in &self.flawed_groups {
            let text = format!("“{}” is mapped and opens nothing", group.name);
            page.labelled(Tone::Bad, "group", &text, &format!("[{}]", group.warnings.join(", ")))?;
        }
        let held = format!(
            "{} tied to an account of Kisi, {} through the plugin",
            counted(self.tied_members, "member"),
            counted(self.grants, "grant")
        );
        page.labelled(Tone::Faint, "access", &held, "")?;
        if self.state == "not-connected" {
            let text = "`harness disconnect` finishes disconnecting it, `harness connect` connects it again";
            return page.labelled(Tone::Care, "next", text, "");
        }
        if self.last_synced_at.is_some() {
            page.labelled(Tone::Faint, "synced", &format!("all members, {}", when(self.last_synced_at)), "")?;
        }
        let sync = self.sync.as_ref().map(JobFacts::standing);
        let sync = sync.unwrap_or_else(|| "never; begin with `harness preview`".to_owned());
        page.labelled(Tone::Faint, "sync", &sync, "")
    }
}

/// The key's owner, if there is one, and when the key was verified.
fn key(account: &str, email: &str, checked_at: Option<u64>) -> String {
    let owner = if email.is_empty() { String::new() } else { format!("of {}, ", person(account, email)) };
    format!("{owner}verified {}", when(checked_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_named_by_what_is_known_of_its_owner() {
        for (account, email, expected) in [
            ("Olga", "olga@box.test", "of Olga (olga@box.test), verified never"),
            ("", "olga@box.test", "of olga@box.test, verified never"),
            ("", "", "verified never"),
        ] {
            assert_eq!(key(account, email, None), expected);
        }
    }
}
