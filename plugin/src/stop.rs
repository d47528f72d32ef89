//! Why a call stops before its end: what the host must do. Boxed, since it passes through every function of the
//! plugin and is large.

use crate::contract::types::{Demand, Error, InputError, PauseCause, ProviderAnswer};

/// An error of the contract on its way out.
pub type Stop = Box<Error>;

/// An error that passes by itself.
pub fn retry(after_ms: u64, message: &str, provider: Option<ProviderAnswer>) -> Stop {
    stop(Demand::Retry(after_ms), message, provider)
}

/// An error that a person must settle.
pub fn pause(cause: PauseCause, message: &str, provider: Option<ProviderAnswer>) -> Stop {
    stop(Demand::Pause(cause), message, provider)
}

/// An error that nothing can settle: the call is of no use.
pub fn reject(message: &str, provider: Option<ProviderAnswer>) -> Stop {
    stop(Demand::Reject, message, provider)
}

impl From<Stop> for InputError {
    fn from(stop: Stop) -> InputError {
        InputError::Failed(*stop)
    }
}

/// Whether the call is of no use.
pub fn is_reject(stop: &Stop) -> bool {
    matches!(stop.demand, Demand::Reject)
}

/// Whether the call may do better later.
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
