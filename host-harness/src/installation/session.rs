//! An installation that is open for a command: its folder locked, its members read, its plugin loaded. Calls to the plugin
//! are repeated here when the plugin asks for it.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use super::config::{self, Config};
use super::console::Console;
use super::members::Roll;
use super::sealing::{self, Sealing};
use super::state::State;
use super::turn::{self, Place};
use crate::args::Installation;
use crate::exit::{Exit, Stop};
use crate::load;
use door_access_host::contract::types::{Demand, Error, InputError, PauseCause, Problem};
use door_access_host::{
    ApprovedOrigin, CallError, Called, Endpoint, HttpsClient, HttpsClientConfig, Pace, PaceConfig, Plugin,
    Reach, Recorder, Tenant,
};
use door_access_scenario::play::facts;
use door_access_scenario::unusable::{Unusable, Wrong, unusable};
use door_access_scenario::world::{self, Key};

/// Most attempts to make a call.
const ATTEMPTS_MAX: u32 = 6;
/// Longest wait between two attempts. After a longer one the user runs the command again.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Interval at which a wait checks for Ctrl-C.
const POLL: Duration = Duration::from_millis(100);
/// Recorded bytes of each request's body, for reports.
const BODY_BYTES_MAX: usize = 2_000;

/// Once `harness disconnect` has begun, an installation is not connected.
const NOT_CONNECTED: &str = "This installation is ending and is no longer connected to Kisi: `harness \
                             disconnect` finishes disconnecting it, `harness connect` connects it again.";

/// An open installation.
pub(super) struct Session {
    pub(super) state: State,
    pub(super) sealing: Sealing,
    pub(super) config: Config,
    pub(super) roll: Roll,
    pub(super) plugin: Plugin,
    pub(super) recorder: Arc<Recorder>,
    pub(super) tenant: Tenant,
}

impl Session {
    /// Opens the installation of a folder.
    pub(super) async fn open(
        installation: &Installation,
        place: &mut Place,
        console: &mut Console<'_>,
    ) -> Result<Session, Stop> {
        let sealing = Sealing::new(&installation.common, console.surroundings())?;
        let state = State::open(installation, place, console).await?;
        let (config, key) = (state.read::<Config>(config::FILE)?, sealing::key(&state, &sealing, console)?);
        let folder = state.folder().display();
        let (mut config, key) = match (config, key) {
            (Some(config), Some(key)) => (config, key),
            (Some(_), None) => {
                return Ok(unusable(format!(
                    "the gym's key is missing from {folder}: run `harness connect --key-file FILE`; everything else \
                     stays as it is",
                ))?);
            }
            (None, _) => {
                return Ok(unusable(format!(
                    "the installation in {folder} is not connected yet: run `harness connect` again until it succeeds",
                ))?);
            }
        };
        let roll = Roll::read(&config.members, &config.time_zone)?;
        roll.has_columns(&config.columns, &config.members)?;
        if let Some(note) = roll.aside.note() {
            console.note(&note);
        }
        if roll.columns != config.columns {
            config.columns.clone_from(&roll.columns);
            state.write(config::FILE, &config)?;
        }
        let plugin = load::component(&config.component, Some(state.compiled(console.surroundings()))).await?;
        is_approved(&config, &plugin, console)?;
        let recorder = Arc::new(Recorder::with_bodies(BODY_BYTES_MAX));
        let tenant = tenant(&state, &config, &key, &plugin, &roll, &recorder)?;
        Ok(Session { state, sealing, config, roll, plugin, recorder, tenant })
    }

    /// Makes a call, and repeats it when the plugin asks for it.
    pub(super) async fn ask<T, E: Into<InputError>>(
        &self,
        console: &mut Console<'_>,
        call: impl AsyncFn(&Tenant) -> Called<T, E>,
    ) -> Result<T, Stop> {
        settled(&self.tenant, console, call).await
    }

    /// Whether a short command waits, so that this long one must end now. If so, it first lets Kisi's window of
    /// requests pass, so that the short one may send requests at once.
    pub(super) async fn gives_way(&self, console: &Console<'_>) -> bool {
        let is_wanted = turn::is_wanted(self.state.folder());
        if is_wanted && !self.config.unpaced {
            let pace = PaceConfig::default();
            rest(pace.window + pace.margin, console).await;
        }
        is_wanted
    }

    /// The number of requests since the last time. Frees their recording.
    pub(super) fn requests(&self) -> usize {
        self.recorder.take().exchanges.len()
    }
}

/// Refuses a component that wants to reach more than was approved: its file may change at any time.
fn is_approved(config: &Config, plugin: &Plugin, console: &mut Console<'_>) -> Result<(), Unusable> {
    let origins = plugin.origins().iter().map(ToString::to_string);
    let unknown: Vec<String> = origins.filter(|origin| !config.origins.contains(origin)).collect();
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

/// Prepares the calls to the plugin.
pub(super) fn tenant(
    state: &State,
    config: &Config,
    key: &Key,
    plugin: &Plugin,
    roll: &Roll,
    recorder: &Arc<Recorder>,
) -> Result<Tenant, Unusable> {
    let records = state.records()?;
    let endpoint = world::endpoint(&config.kisi)?;
    if config.unpaced && endpoint.reach() != Reach::Loopback {
        return unusable(format!(
            "--unpaced is for a simulator on this machine, and {endpoint} is none: Kisi allows five requests a second"
        ));
    }
    let failed = |error: &dyn Display| Unusable::new(error.to_string());
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

/// Makes a call, and repeats it when the plugin asks for it.
pub(super) async fn settled<T, E: Into<InputError>>(
    tenant: &Tenant,
    console: &mut Console<'_>,
    call: impl AsyncFn(&Tenant) -> Called<T, E>,
) -> Result<T, Stop> {
    let mut attempts = Attempts::default();
    loop {
        let error = match call(tenant).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => match error.into() {
                InputError::Failed(error) => error,
                InputError::Wrong(problems) => return Err(wrong(&problems)),
            },
            Err(error) => return Err(broken_off(&error)),
        };
        attempts.again(&error, console).await?;
    }
}

/// The attempts to make one call.
#[derive(Default)]
pub(super) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// Waits for the next attempt after this error. The error is final when another attempt would be useless, after too
    /// many attempts, or when the user asked to stop.
    pub(super) async fn again(&mut self, error: &Error, console: &mut Console<'_>) -> Result<(), Stop> {
        self.failed += 1;
        let Demand::Retry(after_ms) = error.demand else { return Err(ended(error)) };
        let wait = Duration::from_millis(after_ms);
        if self.failed >= ATTEMPTS_MAX || wait > WAIT_MAX || console.interrupt().is_requested() {
            return Err(ended(error));
        }
        console.note(&format!("{} Trying again in {}.", facts::error(error).text, facts::span(after_ms)));
        rest(wait, console).await;
        Ok(())
    }
}

/// Waits, until Ctrl-C at most.
async fn rest(wait: Duration, console: &Console<'_>) {
    let until = tokio::time::Instant::now() + wait;
    while tokio::time::Instant::now() < until && !console.interrupt().is_requested() {
        tokio::time::sleep_until(until.min(tokio::time::Instant::now() + POLL)).await;
    }
}

/// How an error of the plugin ends the command.
pub(super) fn ended(error: &Error) -> Stop {
    let text = facts::error(error).text;
    match &error.demand {
        Demand::Retry(after_ms) => {
            let after = facts::span(*after_ms);
            Stop::Ended(Exit::Unfinished, format!("{text} Run the same command again in {after} or later."))
        }
        Demand::Pause(PauseCause::NotConnected) => Stop::Ended(Exit::Paused, NOT_CONNECTED.to_owned()),
        // These texts already say to connect.
        Demand::Pause(
            PauseCause::KeyRejected | PauseCause::KeyWithoutRights | PauseCause::OtherOrganization,
        ) => Stop::Ended(
            Exit::Paused,
            format!(
                "{text} `harness connect --key-file FILE` takes another key. To try the stored key again, run `harness \
                 connect`."
            ),
        ),
        Demand::Pause(_) => Stop::Ended(Exit::Paused, format!("{text} Then run `harness connect`.")),
        Demand::Reject => Stop::Ended(Exit::OtherThanExpected, text),
    }
}

/// How wrong input ends the command.
fn wrong(problems: &[Problem]) -> Stop {
    let wrong = problems.iter().map(|problem| Wrong::plain(format!("{}: {}", problem.path, problem.message)));
    Stop::Unusable(wrong.collect::<Vec<_>>().into())
}

/// How a call without an answer ends the command.
pub(super) fn broken_off(error: &CallError) -> Stop {
    match error {
        CallError::CredentialExposed(_) => Stop::Unusable(Unusable::new(format!("{error}: take it out"))),
        _ => Stop::Ended(
            Exit::Unfinished,
            format!("{error}. What had been done is recorded: run the same command again."),
        ),
    }
}
