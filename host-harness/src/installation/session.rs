//! An installation at work: its folder held, its members read, its plugin loaded, and calls that are made until they
//! come to something.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::config::{self, Config};
use super::console::Console;
use super::members::Roll;
use super::sealing::{self, Sealing};
use super::state::State;
use super::turn::{self, Turn};
use crate::args::Installation;
use crate::exit::{Exit, Stop};
use crate::load;
use door_access_host::contract::types::{Demand, Error, InputError, PauseCause, Problem};
use door_access_host::{
    ApprovedOrigin, CallError, Called, Endpoint, HttpsClient, HttpsClientConfig, Pace, PaceConfig, Plugin,
    Reach, Recorder, SqliteStorage, Tenant,
};
use door_access_scenario::play::facts;
use door_access_scenario::unusable::{Unusable, Wrong, unusable};
use door_access_scenario::world::{self, Key};

/// How often a call is made that may work later.
const ATTEMPTS_MAX: u32 = 6;
/// How long is waited in between at most. Whoever is told to wait for longer comes back by themselves.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// How often is looked whether somebody wants a wait to end.
const LOOK: Duration = Duration::from_millis(100);
/// How much of each request's body is kept for a report, in bytes.
const BODY_BYTES_MAX: usize = 2_000;

/// An installation is not connected once `harness disconnect` has begun.
const NOT_CONNECTED: &str = "This installation is about to end and is not connected to Kisi any more: `harness disconnect` goes \
                             on with leaving, `harness connect` begins anew.";

/// An installation at work.
pub(super) struct Session {
    pub(super) state: State,
    pub(super) sealing: Sealing,
    pub(super) config: Config,
    pub(super) roll: Roll,
    pub(super) plugin: Plugin,
    pub(super) recorder: Arc<Recorder>,
    pub(super) tenant: Tenant,
}

/// What a tenant is made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a Config,
    pub(super) plugin: &'a Plugin,
    pub(super) key: &'a Key,
    pub(super) roll: &'a Roll,
}

impl Session {
    /// Takes up the installation of a folder.
    pub(super) async fn open(command: &Installation, console: &mut Console<'_>) -> Result<Session, Stop> {
        let common = command.common();
        let sealing = Sealing::new(common, console.surroundings())?;
        let state = State::open(&common.state, &mut Turn::of(command, console)).await?;
        let (config, key) = (state.read::<Config>(config::FILE)?, sealing::key(&state, &sealing, console)?);
        if config.is_some() && key.is_none() {
            return Ok(unusable(format!(
                "the gym's key is missing from {}: run `harness connect --key-file FILE`; everything else stays as it is",
                common.state.display()
            ))?);
        }
        let (Some(mut config), Some(key)) = (config, key) else {
            return Ok(unusable(format!(
                "the installation in {} is not connected yet: run `harness connect` again until it succeeds",
                common.state.display()
            ))?);
        };
        let roll = Roll::read(&config.members, config.utc_offset)?;
        roll.has_columns(&config.columns, &config.members)?;
        if roll.columns != config.columns {
            config.columns.clone_from(&roll.columns);
            state.write(config::FILE, &config)?;
        }
        let plugin = load::component(&config.component, Some(state.compiled())).await?;
        agreed(&config, &plugin, console)?;
        let recorder = Arc::new(Recorder::with_bodies(BODY_BYTES_MAX));
        let records = state.records()?;
        let parts = Parts { config: &config, plugin: &plugin, key: &key, roll: &roll };
        let tenant = tenant(parts, records, &recorder)?;
        Ok(Session { state, sealing, config, roll, plugin, recorder, tenant })
    }

    /// Makes a call until it comes to something.
    pub(super) async fn ask<T, E: Into<InputError>>(
        &self,
        console: &mut Console<'_>,
        call: impl AsyncFn(&Tenant) -> Called<T, E>,
    ) -> Result<T, Stop> {
        settled(&self.tenant, console, call).await
    }

    /// Makes a call once: one that does something each time, so that nobody but whoever asked may repeat it.
    pub(super) async fn once<T>(&self, call: impl AsyncFnOnce(&Tenant) -> Called<T>) -> Called<T> {
        call(&self.tenant).await
    }

    /// Whether somebody waits for a moment's work: then long work ends at its next good place, and begins again. Whoever
    /// waits may send requests at once: Kisi's window of them is over by then.
    pub(super) async fn gives_way(&self, console: &Console<'_>) -> bool {
        let is_wanted = turn::somebody_waits(self.state.folder());
        if is_wanted && !self.config.unpaced {
            let pace = PaceConfig::default();
            rest(pace.window + pace.margin, console).await;
        }
        is_wanted
    }

    /// How many requests were sent since the last time.
    pub(super) fn requests(&self) -> usize {
        self.recorder.take().exchanges.len()
    }
}

/// A component may be built anew at any time. What it may reach was agreed on.
fn agreed(config: &Config, plugin: &Plugin, console: &mut Console<'_>) -> Result<(), Unusable> {
    let unknown: Vec<String> = plugin
        .origins()
        .iter()
        .map(ToString::to_string)
        .filter(|origin| !config.origins.contains(origin))
        .collect();
    if !unknown.is_empty() {
        return unusable(format!(
            "the plugin in {} is another one than when it was connected, and now wants to reach {}: run `harness \
             connect` again if you agree",
            config.component.display(),
            unknown.join(", ")
        ));
    }
    if plugin.hash() != config.component_sha256 {
        console.note(
            "The plugin is another build than the one that was connected; it may reach the same as before.",
        );
    }
    Ok(())
}

/// Sets up the calls.
pub(super) fn tenant(
    parts: Parts<'_>,
    records: SqliteStorage,
    recorder: &Arc<Recorder>,
) -> Result<Tenant, Unusable> {
    let Parts { config, plugin, key, roll } = parts;
    let endpoint = world::endpoint(&config.kisi)?;
    if config.unpaced && endpoint.reach() != Reach::Loopback {
        return unusable(format!(
            "--unpaced is for a simulator on this machine, and {endpoint} is none: Kisi allows five requests a second"
        ));
    }
    let failed = |error: &dyn std::fmt::Display| Unusable::new(error.to_string());
    let client = HttpsClient::new(&HttpsClientConfig::default()).map_err(|error| failed(&error))?;
    let pace = if config.unpaced { Pace::unlimited() } else { Pace::new(PaceConfig::default()) };
    let mut builder = Tenant::builder(plugin.clone(), "gym")
        .directory(roll.directory())
        .storage(Arc::new(records))
        .credential(key.secret())
        .transport(Arc::new(client))
        .pace(Arc::new(pace))
        .observer(Arc::clone(recorder) as Arc<_>);
    for origin in plugin.origins().iter().filter(|origin| config.origins.contains(&origin.to_string())) {
        builder = builder.approve(match Endpoint::of(origin) == endpoint {
            true => ApprovedOrigin::direct(origin.clone()),
            false => ApprovedOrigin::routed(origin.clone(), endpoint.clone()),
        });
    }
    builder.build().map_err(|error| failed(&error))
}

/// Makes a call until it works, cannot work, or was tried often enough.
pub(super) async fn settled<T, E: Into<InputError>>(
    tenant: &Tenant,
    console: &mut Console<'_>,
    call: impl AsyncFn(&Tenant) -> Called<T, E>,
) -> Result<T, Stop> {
    let mut attempt = 1;
    loop {
        let error = match call(tenant).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => match error.into() {
                InputError::Failed(error) => error,
                InputError::Wrong(problems) => return Err(wrong(&problems)),
            },
            Err(error) => return Err(broken_off(&error)),
        };
        match pause(&error, attempt) {
            Some(wait) if !console.interrupt().is_requested() => {
                waiting(&error, wait, console);
                rest(wait, console).await;
                attempt += 1;
            }
            _ => return Err(ended(&error)),
        }
    }
}

/// How long to wait before a call is made again; `None` when that is of no use, or was done often enough.
pub(super) fn pause(error: &Error, attempt: u32) -> Option<Duration> {
    let Demand::Retry(after_ms) = error.demand else { return None };
    let wait = Duration::from_millis(after_ms);
    (attempt < ATTEMPTS_MAX && wait <= WAIT_MAX).then_some(wait)
}

/// Says why nothing happens for a while.
pub(super) fn waiting(error: &Error, wait: Duration, console: &mut Console<'_>) {
    let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    console.note(&format!("{} Trying again in {}.", facts::error(error).text, facts::span(ms)));
}

/// Waits, unless somebody wants this to end.
pub(super) async fn rest(wait: Duration, console: &Console<'_>) {
    let until = tokio::time::Instant::now() + wait;
    while tokio::time::Instant::now() < until && !console.interrupt().is_requested() {
        tokio::time::sleep_until(until.min(tokio::time::Instant::now() + LOOK)).await;
    }
}

/// What an error of the plugin's is to the command.
pub(super) fn ended(error: &Error) -> Stop {
    let text = facts::error(error).text;
    match &error.demand {
        Demand::Retry(after_ms) => {
            let after = facts::span(*after_ms);
            Stop::Ended(Exit::Unfinished, format!("{text} Run the same command again in {after} or later."))
        }
        Demand::Pause(PauseCause::NotConnected) => Stop::Ended(Exit::Paused, NOT_CONNECTED.to_owned()),
        // These texts say already to connect.
        Demand::Pause(
            PauseCause::KeyRejected | PauseCause::KeyWithoutRights | PauseCause::OtherOrganization,
        ) => Stop::Ended(
            Exit::Paused,
            format!(
                "{text} `harness connect --key-file FILE` takes another key; where one is kept, `harness connect` alone tries it again."
            ),
        ),
        Demand::Pause(_) => Stop::Ended(Exit::Paused, format!("{text} Then run `harness connect`.")),
        Demand::Reject => Stop::Ended(Exit::OtherThanExpected, text),
    }
}

/// What is wrong in what was given, to the command.
fn wrong(problems: &[Problem]) -> Stop {
    let wrong = problems.iter().map(|problem| Wrong::plain(format!("{}: {}", problem.path, problem.message)));
    Stop::Unusable(wrong.collect::<Vec<_>>().into())
}

/// What a call without an answer is to the command.
pub(super) fn broken_off(error: &CallError) -> Stop {
    match error {
        CallError::CredentialExposed(_) => Stop::Unusable(Unusable::new(format!("{error}: take it out"))),
        _ => Stop::Ended(
            Exit::Unfinished,
            format!("{error}. What had been done is recorded: run the same command again."),
        ),
    }
}

/// A path that means the same wherever the next command runs.
pub(super) fn absolute(path: &Path) -> Result<std::path::PathBuf, Unusable> {
    std::path::absolute(path)
        .map_err(|error| Unusable::new(format!("{} is no path: {error}", path.display())))
}
