//! How commands print: columns, tables and colours for people, JSON lines for machines.

mod json;
mod layout;
mod table;
mod text;

use std::io::Write;

use door_access_scenario::report::Report;

use json::Json;
use text::Text;

pub(crate) use json::unusable;
pub(crate) use layout::{Page, Paint, Tone};
pub(crate) use table::Table;

/// The report that was asked for.
pub(crate) fn to<'a>(out: &'a mut dyn Write, json: bool, colour: bool) -> Box<dyn Report + 'a> {
    if json { Box::new(Json::new(out)) } else { Box::new(Text::new(out, Paint { colour })) }
}
