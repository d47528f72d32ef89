//! Why a call stops before its end: what the host must do. Boxed, since it passes through every function of the
//! plugin and is large.

use crate::contract::types::{Detail, Error, Pause, PauseCause, ProviderAnswer, Retry};

/// An error of the contract on its way out.
pub type Stop = Box<Error>;

/// An error that passes by itself.
pub fn retry(after_ms: u64, message: &str, provider: Option<ProviderAnswer>) -> Stop {
    Box::new(Error::Retry(Retry { after_ms, detail: detail(message, provider) }))
}

/// An error that a person must settle.
pub fn pause(cause: PauseCause, message: &str, provider: Option<ProviderAnswer>) -> Stop {
    Box::new(Error::Pause(Pause { cause, detail: detail(message, provider) }))
}

/// An error that nothing can settle: the call is of no use.
pub fn reject(message: &str, provider: Option<ProviderAnswer>) -> Stop {
    Box::new(Error::Reject(detail(message, provider)))
}

fn detail(message: &str, provider: Option<ProviderAnswer>) -> Detail {
    Detail { message: message.to_string(), provider }
}
