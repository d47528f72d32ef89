//! Event sets: a client's question about events, kept for a day so that the answer can be read page by page.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::event::Event;
use crate::interval::DAY_MS;

/// How long an event set can be read: "approximately 24 hours".
const KEPT_MS: u64 = DAY_MS;

/// One event set. It holds the question and not the answer: events never change, so reading up to a number gives the
/// events of the time when the set was made.
#[derive(Clone, Debug)]
pub(crate) struct EventSet {
    pub(crate) id: u64,
    pub(crate) organization_id: u64,
    pub(crate) created_at: u64,
    /// The number of the last event before the set was made.
    pub(crate) up_to: u64,
    pub(crate) filter: EventFilter,
}

impl EventSet {
    /// Whether it can still be read.
    pub(crate) fn is_kept_at(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.created_at) < KEPT_MS
    }
}

/// The events that a set is about, in Kisi's field names. A field that is none filters nothing.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EventFilter {
    /// As given by the client, or the default.
    pub(crate) interval: String,
    #[serde(skip)]
    pub(crate) from_ms: u64,
    #[serde(skip)]
    pub(crate) until_ms: u64,
    pub(crate) event_actor_id: Option<u64>,
    pub(crate) event_actor_type: Option<String>,
    pub(crate) event_authenticated_by_id: Option<u64>,
    pub(crate) event_authenticated_by_type: Option<String>,
    pub(crate) event_object_id: Option<u64>,
    pub(crate) event_object_type: Option<String>,
    pub(crate) event_place_id: Option<u64>,
    pub(crate) place_id: Option<u64>,
    pub(crate) event_success: Option<bool>,
    pub(crate) event_sequence: Option<String>,
    pub(crate) event_type: Option<String>,
    pub(crate) event_uuid: Option<String>,
}

impl EventFilter {
    /// The filter as a predicate. Both ends of the interval belong to it [inferred].
    pub(crate) fn keeps(&self) -> impl Fn(&Event) -> bool + '_ {
        let types = listed(self.event_type.as_deref());
        let uuids = listed(self.event_uuid.as_deref());
        let sequences = listed(self.event_sequence.as_deref());
        move |event| {
            (self.from_ms..=self.until_ms).contains(&event.created_at)
                && types.as_ref().is_none_or(|types| types.contains(event.event_type.name()))
                && uuids.as_ref().is_none_or(|uuids| uuids.contains(event.uuid.as_str()))
                && sequences.as_ref().is_none_or(|sequences| sequences.contains(event.sequence.as_str()))
                && self.event_success.is_none_or(|success| success == event.success)
                && fits(self.event_actor_id, event.actor_id)
                && kind_fits(&self.event_actor_type, "User", event.actor_id)
                && fits(self.event_authenticated_by_id, event.login_id)
                && kind_fits(&self.event_authenticated_by_type, "Login", event.login_id)
                && fits(self.event_object_id, Some(event.object_id))
                && kind_fits(&self.event_object_type, &event.object_type, Some(event.object_id))
                && fits(self.event_place_id, event.place_id)
                && fits(self.place_id, event.place_id)
        }
    }
}

fn fits(asked: Option<u64>, id: Option<u64>) -> bool {
    asked.is_none() || asked == id
}

/// Whether the event has such an object, and of the kind asked for.
fn kind_fits(asked: &Option<String>, kind: &str, id: Option<u64>) -> bool {
    asked.as_ref().is_none_or(|asked| id.is_some() && asked == kind)
}

/// A list separated by commas.
fn listed(text: Option<&str>) -> Option<BTreeSet<&str>> {
    text.map(|text| text.split(',').map(str::trim).collect())
}
