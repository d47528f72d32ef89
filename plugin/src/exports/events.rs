//! Handles events of the platform.

use crate::contract::events::{Event, Outcome, Unfinished};
use crate::host::Host;
use crate::kisi::{Budget, Kisi};
use crate::reconcile::Call;
use crate::tenant::Tenant;

/// See `events.handle`.
///
/// # Errors
/// What the host must do, with the outcomes so far.
pub fn handle(host: &dyn Host, event: &Event) -> Result<Vec<Outcome>, Box<Unfinished>> {
    let mut tenant =
        Tenant::load(host).map_err(|stop| Box::new(Unfinished { error: *stop, done: Vec::new() }))?;
    let integration = tenant.config.value.settings.integration.clone();
    let budget = Budget::unlimited();
    let call = Call::new(host, Kisi::new(host, &integration, &budget), &mut tenant);
    call.run(&event.member).map_err(|(stop, done)| Box::new(Unfinished { error: *stop, done }))
}
