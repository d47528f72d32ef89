//! `harness login`: a login with which a gym's own app opens doors as the member. Its secret is printed once to standard
//! output, and nowhere else.

use std::io;

use serde::Serialize;

use super::console::{Answer, Console};
use super::explain::ReasonFacts;
use super::session::{Session, broken_off, ended};
use crate::args::LoginArgs;
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone};
use door_access_host::contract::doors::{Issued, Phone};
use door_access_host::contract::types::{Demand, Error};
use door_access_scenario::play::facts;

const WARNING: &str =
    "The secret is shown this once. It opens doors as the member: hand it to the app, and keep no copy.";

/// A login that was made. It is not `Debug`, because it has the secret.
#[derive(Serialize)]
#[serde(tag = "type", rename = "login")]
struct Made<'a> {
    member: &'a str,
    #[serde(skip)]
    who: String,
    id: &'a str,
    secret: &'a str,
}

/// No login was made.
#[derive(Serialize)]
#[serde(tag = "type", rename = "login")]
struct Refused<'a> {
    member: &'a str,
    #[serde(skip)]
    who: String,
    refused: ReasonFacts,
}

/// A login that was ended.
#[derive(Serialize)]
#[serde(tag = "type", rename = "revoked")]
struct Revoked<'a> {
    member: &'a str,
    #[serde(skip)]
    who: String,
    id: &'a str,
}

/// Makes a login, or ends one.
pub(super) async fn run(
    session: &Session,
    args: &LoginArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let member = session.roll.member(&args.member)?.id.as_str();
    let who = session.roll.named(member);
    if let Some(id) = &args.revoke {
        session.ask(console, async |tenant| tenant.revoke_login(member, id).await).await?;
        console.tell(&Revoked { member, who, id })?;
        return Ok(Exit::AsExpected);
    }
    let text = |given: &Option<String>| given.clone().unwrap_or_default();
    let phone = Phone { brand: text(&args.brand), model: text(&args.model), system: text(&args.system) };
    // The call is not repeated: after a lost answer each attempt would make another login.
    match session.tenant.issue_login(member, &phone).await {
        Ok(Ok(Issued::Login(login))) => {
            console.note(WARNING);
            let made = Made { member, who, id: &login.id, secret: login.secret() };
            console.tell(&made).map_err(|stop| untold(stop, member, &login.id))?;
            Ok(Exit::AsExpected)
        }
        Ok(Ok(Issued::Refused(reason))) => {
            console.tell(&Refused { member, who, refused: ReasonFacts::of(&reason) })?;
            Ok(Exit::Shut)
        }
        Ok(Err(error)) => Err(not_made(&error)),
        Err(error) => Err(broken_off(&error)),
    }
}

/// The login exists, and its secret could not be printed.
fn untold(stop: Stop, member: &str, id: &str) -> Stop {
    let why = match stop {
        Stop::Unusable(unusable) => unusable.to_string(),
        _ => "the output was closed".to_owned(),
    };
    Stop::Ended(
        Exit::Unusable,
        format!(
            "the login {id} was made, and its secret is lost ({why}): end it with `harness login {member} --revoke {id}`, \
             then make another"
        ),
    )
}

fn not_made(error: &Error) -> Stop {
    match &error.demand {
        Demand::Retry(after_ms) => {
            let (text, after) = (facts::error(error).text, facts::span(*after_ms));
            Stop::Ended(Exit::Unfinished, format!("{text} No login was made: try again in {after} or later."))
        }
        _ => ended(error),
    }
}

impl Answer for Made<'_> {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Head, &format!("A login for {}", self.who))?;
        page.labelled(Tone::Faint, "id", self.id, "")?;
        page.labelled(Tone::Care, "secret", self.secret, "")?;
        page.labelled(
            Tone::Faint,
            "end it",
            &format!("harness login {} --revoke {}", self.member, self.id),
            "",
        )
    }
}

impl Answer for Refused<'_> {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Bad, &format!("No login for {}: no door opens.", self.who))?;
        self.refused.print(page, Tone::Bad, "why")
    }
}

impl Answer for Revoked<'_> {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        page.wide(Tone::Good, &format!("The login {} of {} has ended.", self.id, self.who))
    }
}
