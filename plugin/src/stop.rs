//! Errors of the contract: why a call stops and what the host must do.

use crate::contract::types::{Demand, Error, InputError, PauseCause, ProviderAnswer};

/// An error of the contract. Boxed, because it is large and passes through every function.
pub type Stop = Box<Error>;

/// An error that passes by itself: the host tries again after `after_ms`.
pub fn retry(after_ms: u64, message: &str, provider: Option<ProviderAnswer>) -> Stop {
    stop(Demand::Retry(after_ms), message, provider)
}

/// An error that pauses the installation until a person acts.
pub fn pause(cause: PauseCause, message: &str, provider: Option<ProviderAnswer>) -> Stop {
    stop(Demand::Pause(cause), message, provider)
}

/// An error that a repetition of the call does not change.
pub fn reject(message: &str, provider: Option<ProviderAnswer>) -> Stop {
    stop(Demand::Reject, message, provider)
}

impl From<Stop> for InputError {
    fn from(stop: Stop) -> InputError {
        InputError::Failed(*stop)
    }
}

/// Whether repeating the call is useless.
pub fn is_reject(stop: &Stop) -> bool {
    matches!(stop.demand, Demand::Reject)
}

/// Whether repeating the call later may succeed.
pub fn is_retry(stop: &Stop) -> bool {
    matches!(stop.demand, Demand::Retry(_))
}

/// Whether the plugin's own records are damaged.
pub fn is_damage(stop: &Stop) -> bool {
    matches!(stop.demand, Demand::Pause(PauseCause::StorageDamaged))
}

fn stop(demand: Demand, message: &str, provider: Option<ProviderAnswer>) -> Stop {
    Box::new(Error { demand, message: message.to_string(), provider })
}
