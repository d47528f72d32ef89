//! `harness connect`: approves what the plugin may reach, verifies the key, and makes the folder an installation.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::config::{self, Config};
use super::console::{Answer, Console};
use super::disconnect;
use super::facts::{GroupFacts, print_places};
use super::groups::plans;
use super::members::{BLOCKED, Roll, Zone, folder};
use super::private;
use super::sealing::{self, Sealing};
use super::session::{settled, tenant};
use super::state::{State, is_installed};
use super::turn;
use crate::args::{ConnectArgs, Installation};
use crate::exit::{Exit, Stop};
use crate::load;
use crate::report::{Page, Tone, counted};
use door_access_host::contract::connection::{self, Connected, Health};
use door_access_host::{Exchange, ExchangeEnd, Plugin, Reach, Recorder, Tenant, TransportError};
use door_access_scenario::unusable::{Place, Unusable, Wrong, unusable};
use door_access_scenario::words::person;
use door_access_scenario::world::{self, Key};

const KISI: &str = "https://api.kisi.io";
const COMPONENT: &str = "target/component/kisi_plugin.wasm";
const IDENTIFIER: &str = "door-access harness";

#[derive(Serialize)]
#[serde(tag = "type", rename = "connected")]
struct Installed {
    state: PathBuf,
    organization: String,
    account: String,
    email: String,
    kisi: String,
    plugin: String,
    origins: Vec<String>,
    members: usize,
    memberships: usize,
    plans: usize,
    time_zone: String,
    places: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    places_left_out: Vec<String>,
    groups: Vec<GroupFacts>,
    mappings: usize,
    calls: usize,
}

pub(super) async fn run(
    installation: &Installation,
    args: &ConnectArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    // What can be checked without the folder is checked before it is made.
    if let Some(kisi) = &args.kisi {
        world::endpoint(kisi)?;
    }
    let given_key = args.key_file.as_deref().map(Key::read).transpose()?;
    if let Some(file) = args.key_file.as_deref().filter(|file| private::is_open_to_others(file)) {
        let file = file.display();
        console.note(&format!(
            "Others on this machine may read the key in {file}: remove the file when you are connected, which keeps the \
             key sealed, or run `chmod 600 {file}`."
        ));
    }
    let sealing = Sealing::new(&installation.common, console.surroundings())?;
    let state = State::make(installation, &mut turn::Place::default(), console).await?;
    let is_new = state.is_new() && !sealing::is_kept(state.folder());
    let connected = install(&state, &sealing, args, given_key, console).await;
    if is_new && !state.holds(config::FILE) {
        // A refused installation leaves nothing behind. Its error matters more than a failure to remove files.
        let _ = sealing::forget(&state, &sealing).and_then(|()| state.remove(&[], config::FILE));
    }
    connected
}

async fn install(
    state: &State,
    sealing: &Sealing,
    args: &ConnectArgs,
    given_key: Option<Key>,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let before = state.read::<Config>(config::FILE)?;
    if before.is_some() {
        is_installed(state.folder())?;
    }
    let kept = match (&given_key, &before) {
        (Some(given), Some(_)) => {
            sealing::key(state, sealing, console).ok().flatten().filter(|key| key.expose() != given.expose())
        }
        _ => None,
    };
    let key = match given_key {
        Some(key) => key,
        None => sealing::key(state, sealing, console)?.ok_or_else(|| {
            Unusable::new("--key-file is missing: a file with an API key of an administrator, made in Kisi under My Account > API")
        })?,
    };
    let mut config = config(args, before.clone(), console.surroundings().time_zone.as_deref())?;
    if config.time_zone.is_fixed() {
        console.note(
            "The gym has a fixed difference from UTC, so its days are wrong by an hour while the clocks are changed: name \
             its time zone with `harness connect --time-zone`, for example Europe/Berlin.",
        );
    }
    let roll = Roll::read(&config.members, &config.time_zone)?;
    // A new key, for example, is no reason to accept that a column is missing.
    if let Some(before) = before.as_ref().filter(|_| !args.accept_columns) {
        roll.has_columns(&before.columns, &config.members)?;
    }
    config.columns.clone_from(&roll.columns);
    if let Some(note) = roll.aside.note() {
        console.note(&note);
    }
    if !roll.unread.is_empty() {
        let unread = roll.unread.join("`, `");
        console.note(&format!("Columns of the members' file that are not read: `{unread}`."));
    }
    if !roll.columns.contains(BLOCKED) {
        console.note("There is no column `blocked`: no member counts as blocked.");
    }
    let plugin = load::component(&config.component, Some(state.compiled(console.surroundings()))).await?;
    config.component_sha256 = plugin.hash();
    config.origins = plugin.origins().iter().map(ToString::to_string).collect();
    let recorder = Arc::new(Recorder::new());
    let gym = tenant(state, &config, &key, &plugin, &roll, &recorder)?;
    if args.all_places {
        config.settings.remove("places");
    }
    let connected = match verify_in_places(&gym, &mut config, args, console).await {
        Ok(connected) => connected,
        Err(stop) => {
            drop(gym);
            let exchanges = recorder.take().exchanges;
            if !exchanges.is_empty() && exchanges.iter().all(is_unanswered) {
                console.note(&format!(
                    "Nothing answered at {}: is this machine online, and is that the address of Kisi? --kisi names it.",
                    config.kisi
                ));
            }
            if exchanges.iter().any(is_without_tls)
                && world::endpoint(&config.kisi)?.reach() == Reach::Loopback
            {
                console.note("For a simulator on this machine write http://, not https://.");
            }
            if config.unpaced && exchanges.iter().any(is_too_fast) {
                console.note(
                    "--unpaced sends as fast as it can, and Kisi wants requests spread out: start the simulator with \
                     --unpaced, too, or connect without it.",
                );
            }
            if let (Some(before), Some(key)) = (before, kept) {
                keep_former(state, &before, &key, &plugin, &roll, console).await;
            }
            return Err(stop);
        }
    };
    config.places = connected
        .places
        .iter()
        .map(|place| config::Place { id: place.id.clone(), name: place.name.clone(), chosen: place.chosen })
        .collect();
    state.forget(disconnect::LEFT)?;
    sealing::keep(state, sealing, &key)?;
    state.write(config::FILE, &config)?;
    let calls = recorder.take().exchanges.len();
    let mapping = settled(&gym, console, async |gym| gym.list_mappings().await).await?;
    let groups = connected.groups.iter();
    let groups = groups.map(|group| GroupFacts::of(group, plans(&roll, &mapping, &group.id)));
    console.tell(&Installed {
        state: state.folder().to_owned(),
        organization: connected.organization.name.clone(),
        account: connected.account.name.clone(),
        email: connected.account.email.clone(),
        plugin: format!("{} {}", plugin.manifest().title, plugin.manifest().version),
        origins: config.origins.iter().cloned().collect(),
        members: roll.members.len(),
        memberships: roll.memberships(),
        plans: roll.plans.len(),
        time_zone: config.time_zone.to_string(),
        places: config::named(&config.places, true),
        places_left_out: config::named(&config.places, false),
        groups: groups.collect(),
        mappings: mapping.len(),
        calls,
        kisi: config.kisi,
    })?;
    Ok(Exit::AsExpected)
}

/// Whether nothing answered at the address.
fn is_unanswered(exchange: &Exchange) -> bool {
    use TransportError::{ConnectTimedOut, ConnectionRefused, NameNotResolved};
    matches!(exchange.end, ExchangeEnd::Failed(NameNotResolved(_) | ConnectTimedOut | ConnectionRefused))
}

/// Whether no encrypted connection was possible.
fn is_without_tls(exchange: &Exchange) -> bool {
    matches!(exchange.end, ExchangeEnd::Failed(TransportError::Tls(_)))
}

/// Whether Kisi asked for fewer requests a second.
fn is_too_fast(exchange: &Exchange) -> bool {
    const TOO_MANY_REQUESTS: u16 = 429;
    matches!(exchange.end, ExchangeEnd::Answered { status: TOO_MANY_REQUESTS, .. })
}

/// Connects an installation with its former key again, after a new one was refused.
async fn keep_former(
    state: &State,
    config: &Config,
    key: &Key,
    plugin: &Plugin,
    roll: &Roll,
    console: &mut Console<'_>,
) {
    let Ok(gym) = tenant(state, config, key, plugin, roll, &Arc::default()) else { return };
    let is_paused = matches!(gym.status().await, Ok(Ok(Health { state: connection::State::Paused(_), .. })));
    if is_paused && verify(&gym, config, console).await.is_ok() {
        console.note("The installation goes on with the key that it had.");
    }
}

async fn verify_in_places(
    gym: &Tenant,
    config: &mut Config,
    args: &ConnectArgs,
    console: &mut Console<'_>,
) -> Result<Connected, Stop> {
    let are_wrong = |stop| settings_are_wrong(stop, args.settings.as_deref());
    let connected = verify(gym, config, console).await.map_err(are_wrong)?;
    if args.places.is_empty() {
        return Ok(connected);
    }
    config.settings.insert("places".to_owned(), chosen(&args.places, &connected.places)?);
    verify(gym, config, console).await.map_err(are_wrong)
}

async fn verify(gym: &Tenant, config: &Config, console: &mut Console<'_>) -> Result<Connected, Stop> {
    let settings = Value::Object(config.settings.clone()).to_string();
    settled(gym, console, async |gym| gym.connect(&settings).await).await
}

/// The ids of the named places.
fn chosen(given: &[String], places: &[connection::Place]) -> Result<Value, Unusable> {
    let mut chosen: Vec<&str> = Vec::new();
    for given in given {
        let by_id = places.iter().find(|place| place.id == *given);
        let mut named = places.iter().filter(|place| place.name.to_lowercase() == given.to_lowercase());
        let place = match (by_id, named.next(), named.next()) {
            (Some(place), ..) | (None, Some(place), None) => place,
            (None, Some(_), Some(_)) => {
                return unusable(format!("--place: several places are called `{given}`: name it by its id"));
            }
            (None, None, _) => {
                let known: Vec<String> =
                    places.iter().map(|place| format!("{} ({})", place.name, place.id)).collect();
                return unusable(format!(
                    "--place: there is no place `{given}`; the places are: {}",
                    known.join(", ")
                ));
            }
        };
        chosen.push(&place.id);
    }
    Ok(Value::from(chosen))
}

/// The configuration, with the changes of this command.
fn config(
    args: &ConnectArgs,
    before: Option<Config>,
    machines_zone: Option<&str>,
) -> Result<Config, Unusable> {
    let component = match (&args.component, &before) {
        (Some(component), _) => absolute(component)?,
        (None, Some(before)) => before.component.clone(),
        (None, None) => absolute(Path::new(COMPONENT))?,
    };
    let members = match (&args.members, &before) {
        (Some(members), _) => folder(members)?,
        (None, Some(before)) => before.members.clone(),
        (None, None) => {
            return unusable(
                "--members is missing: the folder with the gym's members.csv and plans.csv (host-harness/README.md \
                 describes them)",
            );
        }
    };
    let given = |option: &str, text: &str| -> Result<Zone, Unusable> {
        text.parse().map_err(|error| Unusable::new(format!("{option}: {error}")))
    };
    let time_zone = match (&args.time_zone, &args.utc_offset, &before, machines_zone) {
        (Some(text), ..) => given("--time-zone", text)?,
        (None, Some(text), ..) => given("--utc-offset", text)?,
        (None, None, Some(before), _) => before.time_zone.clone(),
        (None, None, None, Some(text)) => given("the machine's time zone", text)?,
        (None, None, None, None) => Zone::default(),
    };
    let kisi = args.kisi.clone().or_else(|| before.as_ref().map(|before| before.kisi.clone()));
    // Another address may be another Kisi, with another pace.
    let unpaced =
        args.unpaced || (args.kisi.is_none() && before.as_ref().is_some_and(|before| before.unpaced));
    Ok(Config {
        kisi: kisi.unwrap_or_else(|| KISI.to_owned()),
        component,
        component_sha256: String::new(),
        origins: Default::default(),
        members,
        time_zone,
        unpaced,
        settings: settings(args, before.map(|before| before.settings).unwrap_or_default())?,
        places: Vec::new(),
        columns: Default::default(),
    })
}

fn settings(args: &ConnectArgs, before: Map<String, Value>) -> Result<Map<String, Value>, Unusable> {
    let mut settings = match &args.settings {
        Some(file) => read_settings(file)?,
        None => before,
    };
    let integration = settings.entry("integration").or_insert_with(|| json!({ "identifier": IDENTIFIER }));
    if let Value::Object(integration) = integration {
        integration.extend(args.identifier.clone().map(|name| ("identifier".to_owned(), Value::from(name))));
        integration.extend(args.contact.clone().map(|contact| ("contact".to_owned(), Value::from(contact))));
        if !integration.contains_key("contact") {
            return unusable(
                "--contact is missing: the e-mail address under which Kisi reaches the operator, which it requires of every \
                 integration",
            );
        }
    }
    let flags = [
        ("grace_days", args.grace_days.map(Value::from)),
        ("lease_days", args.lease_days.map(Value::from)),
        ("on_block", args.on_block.map(word)),
        ("missing_user", args.missing_user.map(word)),
        ("invitation", args.invitation.map(word)),
    ];
    for (name, value) in flags {
        settings.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(settings)
}

fn word(value: impl ValueEnum) -> Value {
    value.to_possible_value().map_or(Value::Null, |value| Value::from(value.get_name()))
}

fn read_settings(file: &Path) -> Result<Map<String, Value>, Unusable> {
    let shown = file.display().to_string();
    let text = std::fs::read_to_string(file)
        .map_err(|error| Unusable::new(format!("the settings {shown} cannot be read: {error}")))?;
    serde_json::from_str(&text).map_err(|error| {
        let place = Place { file: shown, line: error.line().max(1), column: error.column().max(1) };
        vec![Wrong::at(place, format!("the settings must be a JSON object: {error}"))].into()
    })
}

/// Adds the settings file to an error of the plugin, which names only the field.
fn settings_are_wrong(stop: Stop, file: Option<&Path>) -> Stop {
    let file = file.map_or_else(String::new, |file| format!(" in {}", file.display()));
    match stop {
        Stop::Unusable(unusable) => Stop::Unusable(unusable.headed(&format!("the settings{file} are wrong"))),
        other => other,
    }
}

impl Answer for Installed {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &format!("Connected to “{}”", self.organization))?;
        let account = person(&self.account, &self.email);
        let routed = match self.origins.contains(&self.kisi) {
            true => String::new(),
            false => format!(", which leads to {}", self.kisi),
        };
        let (members, memberships) =
            (counted(self.members, "member"), counted(self.memberships, "membership"));
        for (label, text) in [
            ("key", format!("of {account}; kept sealed in {}", self.state.display())),
            (
                "plugin",
                format!("{} may reach {}{routed}, and nothing else", self.plugin, self.origins.join(", ")),
            ),
            ("members", format!("{members} with {memberships} of {}", counted(self.plans, "plan"))),
            ("zone", format!("{}: days begin and end at its midnight", self.time_zone)),
        ] {
            page.labelled(Tone::Faint, label, &text, "")?;
        }
        print_places(page, &self.places, &self.places_left_out)?;
        page.gap()?;
        GroupFacts::print(&self.groups, page)?;
        page.gap()?;
        let next = match self.mappings {
            0 => "Next: `harness map PLAN GROUP` for each plan that opens doors, then `harness preview`.",
            _ => {
                "The mapping stays. Changed settings apply to each member with the next event, and to all \
                 members with `harness sync` or the next `harness tick` that compares all members, once a day."
            }
        };
        page.wide(Tone::Plain, next)
    }
}

/// A path that is valid in any working directory.
fn absolute(path: &Path) -> Result<PathBuf, Unusable> {
    std::path::absolute(path)
        .map_err(|error| Unusable::new(format!("{} is not a valid path: {error}", path.display())))
}
