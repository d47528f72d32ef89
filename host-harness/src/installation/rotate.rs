//! `harness rotate-sealing-key`: seals the gym's key with another sealing key. Sends no request.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::console::{Answer, Console};
use super::sealing::{self, Sealing};
use super::state::State;
use super::turn::Place;
use crate::args::{Installation, RotateArgs};
use crate::exit::{Exit, Stop};
use crate::report::{Page, Tone};

#[derive(Serialize)]
#[serde(tag = "type", rename = "sealing-key-rotated")]
struct Rotated {
    state: PathBuf,
    /// The id of the sealing key.
    sealing_key: String,
    /// Whether the user gave it, and must give it from now on.
    given: bool,
}

pub(super) async fn run(
    installation: &Installation,
    args: &RotateArgs,
    console: &mut Console<'_>,
) -> Result<Exit, Stop> {
    let surroundings = console.surroundings();
    let sealing = Sealing::new(&installation.common, surroundings)?;
    let new = sealing::given(
        "HARNESS_NEW_SEALING_KEY",
        "--new-sealing-key-file",
        surroundings.new_sealing_key.as_deref(),
        args.new_sealing_key_file.as_deref(),
    )?;
    let given = new.is_some();
    let state = State::open(installation, &mut Place::default(), console).await?;
    let sealing_key = sealing::rotate(&state, &sealing, new, console)?.to_string();
    console.tell(&Rotated { state: state.folder().to_owned(), sealing_key, given })?;
    Ok(Exit::AsExpected)
}

impl Answer for Rotated {
    fn print(&self, page: &mut Page) -> io::Result<()> {
        let Rotated { state, sealing_key, given } = self;
        let state = state.display();
        let now = format!("The gym's key in {state} is sealed with the sealing key {sealing_key} now.");
        page.wide(Tone::Head, &now)?;
        let next = match given {
            true => {
                "Give that one from now on, in HARNESS_SEALING_KEY or with --sealing-key-file. The former one opens only \
                 old copies of the folder."
            }
            false => "The former one was removed.",
        };
        page.wide(Tone::Plain, next)
    }
}
