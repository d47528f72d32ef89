//! How commands print: lines, tables and colours for people, JSON lines for programs.

mod json;
mod page;
mod table;
mod text;

use std::io::Write;

use door_access_scenario::report::Report;

use json::Json;
use text::Text;

pub(crate) use door_access_scenario::words::counted;
pub(crate) use json::unusable;
pub(crate) use page::{Look, Page, Tone, WIDTH};
pub(crate) use table::Table;

/// The report of a run in the form that was asked for.
pub(crate) fn to<'a>(out: &'a mut dyn Write, json: bool, look: Look) -> Box<dyn Report + 'a> {
    if json { Box::new(Json::new(out)) } else { Box::new(Text::new(out, look)) }
}
