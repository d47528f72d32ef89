//! `harness status`: how the installation is, from its own records.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::console::{Answer, Console};
use super::report::{counted, when};
use super::session::Session;
use super::sync::{JobFacts, standing};
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone};
use door_access_host::contract::connection::State;
use door_access_host::contract::groups::Group;
use door_access_scenario::words::word;

/// How it is.
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
    groups: u32,
    mappings: u32,
    flawed_groups: Vec<FlawedGroup>,
    tied_members: u32,
    grants: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    sync: Option<JobFacts>,
}

/// A group that a plan is mapped to and that lets nobody in, with the contract's words for why.
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

/// Shows it. A paused installation is told as such by the exit code, too.
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
    let account = health.account.unwrap_or_else(|| door_access_host::contract::connection::Account {
        id: String::new(),
        name: String::new(),
        email: String::new(),
    });
    let manifest = session.plugin.manifest();
    let status = Status {
        state,
        organization: health.organization.map(|organization| organization.name).unwrap_or_default(),
        account: account.name,
        email: account.email,
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
        groups: health.counts.groups,
        mappings: health.counts.mappings,
        flawed_groups: health.flawed_groups.iter().map(FlawedGroup::of).collect(),
        tied_members: health.counts.members,
        grants: health.counts.grants,
        sync: job.as_ref().map(JobFacts::of),
        paused,
    };
    console.tell(&status)?;
    Ok(if status.paused.is_some() { Exit::Paused } else { Exit::AsExpected })
}

impl FlawedGroup {
    fn of(group: &Group) -> FlawedGroup {
        FlawedGroup { name: group.name.clone(), warnings: group.warnings.iter().map(word).collect() }
    }
}

impl Answer for Status {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &format!("“{}” is {}", self.organization, self.state.replace('-', " ")))?;
        if let Some(paused) = &self.paused {
            page.labelled(Tone::Bad, "paused", &paused.message, &format!("[{}]", paused.cause))?;
        }
        let checked = when(self.key_checked_at).1;
        page.labelled(
            Tone::Faint,
            "key",
            &format!("of {} ({}), verified {checked}", self.account, self.email),
            "",
        )?;
        page.labelled(Tone::Faint, "kisi", &self.kisi, "")?;
        page.labelled(Tone::Faint, "plugin", &format!("{}, {}", self.plugin, self.component.display()), "")?;
        let members = format!(
            "{} with {} of {}, in {}",
            counted(self.members, "member"),
            counted(self.memberships, "membership"),
            counted(self.plans, "plan"),
            self.members_file.display()
        );
        page.labelled(Tone::Faint, "members", &members, "")?;
        let groups =
            format!("{}, read {}", counted(self.groups as usize, "group"), when(self.groups_refreshed_at).1);
        page.labelled(Tone::Faint, "groups", &groups, "")?;
        match self.mappings {
            0 => page.labelled(
                Tone::Care,
                "mapping",
                "no plan opens anything yet: `harness map PLAN GROUP`",
                "",
            )?,
            1 => page.labelled(Tone::Faint, "mapping", "1 entry", "")?,
            entries => page.labelled(Tone::Faint, "mapping", &format!("{entries} entries"), "")?,
        }
        for group in &self.flawed_groups {
            let text = format!("“{}” is mapped and opens nothing", group.name);
            page.labelled(Tone::Bad, "group", &text, &format!("[{}]", group.warnings.join(", ")))?;
        }
        let held = format!(
            "{} tied to an account of Kisi, {} through the plugin",
            counted(self.tied_members as usize, "member"),
            counted(self.grants as usize, "grant")
        );
        page.labelled(Tone::Faint, "access", &held, "")?;
        if self.state == "not-connected" {
            let text = "`harness disconnect` goes on with leaving, `harness connect` begins anew";
            return page.labelled(Tone::Care, "next", text, "");
        }
        if self.last_synced_at.is_some() {
            page.labelled(Tone::Faint, "synced", &format!("everybody, {}", when(self.last_synced_at).1), "")?;
        }
        match &self.sync {
            Some(job) => page.labelled(Tone::Faint, "sync", &standing(job), ""),
            None => page.labelled(Tone::Faint, "sync", "never; begin with `harness preview`", ""),
        }
    }
}
