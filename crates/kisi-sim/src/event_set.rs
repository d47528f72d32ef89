//! Event sets: what a client asked of the events, kept for a day so that it can be read page by page.

use std::collections::BTreeSet;

use crate::event::Event;
use crate::interval::DAY_MS;

/// How long an event set can be read: "approximately 24 hours".
const KEPT_MS: u64 = DAY_MS;

/// One event set. It holds the question and not the answer: events never change, so reading on from a number gives what
/// was there when the set was made.
#[derive(Clone, Debug)]
pub(crate) struct EventSet {
    pub(crate) id: u64,
    pub(crate) organization_id: u64,
    pub(crate) created_at: u64,
    /// The last event that there was when the set was made.
    pub(crate) up_to: u64,
    pub(crate) filter: EventFilter,
}

impl EventSet {
    /// Whether it can still be read.
    pub(crate) fn is_kept_at(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.created_at) < KEPT_MS
    }
}

/// Which events a set is about. A field that is none filters nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct EventFilter {
    /// As it was given, or as it was filled in.
    pub(crate) interval: String,
    pub(crate) from_ms: u64,
    pub(crate) until_ms: u64,
    pub(crate) actor_id: Option<u64>,
    pub(crate) actor_type: Option<String>,
    pub(crate) authenticated_by_id: Option<u64>,
    pub(crate) authenticated_by_type: Option<String>,
    pub(crate) object_id: Option<u64>,
    pub(crate) object_type: Option<String>,
    pub(crate) event_place_id: Option<u64>,
    pub(crate) place_id: Option<u64>,
    pub(crate) success: Option<bool>,
    pub(crate) sequence: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) uuid: Option<String>,
}

impl EventFilter {
    /// The filter as a question about one event. Both ends of the interval belong to it [inferred].
    pub(crate) fn keeps(&self) -> impl Fn(&Event) -> bool + '_ {
        let types = listed(self.event_type.as_deref());
        let uuids = listed(self.uuid.as_deref());
        let sequences = listed(self.sequence.as_deref());
        move |event| {
            (self.from_ms..=self.until_ms).contains(&event.created_at)
                && types.as_ref().is_none_or(|types| types.contains(event.event_type.name()))
                && uuids.as_ref().is_none_or(|uuids| uuids.contains(event.uuid.as_str()))
                && sequences.as_ref().is_none_or(|sequences| sequences.contains(event.sequence.as_str()))
                && self.success.is_none_or(|success| success == event.success)
                && fits(self.actor_id, event.actor_id)
                && kind_fits(&self.actor_type, "User", event.actor_id)
                && fits(self.authenticated_by_id, event.login_id)
                && kind_fits(&self.authenticated_by_type, "Login", event.login_id)
                && fits(self.object_id, Some(event.object_id))
                && kind_fits(&self.object_type, &event.object_type, Some(event.object_id))
                && fits(self.event_place_id, event.place_id)
                && fits(self.place_id, event.place_id)
        }
    }
}

fn fits(asked: Option<u64>, id: Option<u64>) -> bool {
    asked.is_none() || asked == id
}

/// Whether an object is there and of the kind asked for.
fn kind_fits(asked: &Option<String>, kind: &str, id: Option<u64>) -> bool {
    asked.as_ref().is_none_or(|asked| id.is_some() && asked == kind)
}

/// A list separated by commas.
fn listed(text: Option<&str>) -> Option<BTreeSet<&str>> {
    text.map(|text| text.split(',').map(str::trim).collect())
}
