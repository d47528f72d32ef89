//! The only way out: a plugin's HTTP requests, from the guest's `handle` to the answer.
//!
//! A list of small questions in a fixed order, each in a pure function of its own and each with its own
//! refusal ([`Denial`]): is there another request in the budget, is there room for another open one, is the address free
//! of the tenant's key, may this origin be reached, is the method ordinary, are the headers clean, is the body one that
//! the method has and within bounds, is the rest free of the key. Only then is the credential added, for exactly
//! that origin; the request waits for its turn in the [`Pace`] and goes to the [`Transport`]. Redirects come
//! back as answers: nothing follows them. The answer is read whole, within a limit, and searched for the key
//! before the guest sees any of it.

pub mod address;
mod body;
mod client;
pub(crate) mod credential;
mod endpoint;
mod gate;
mod origin;
mod pace;
pub(crate) mod policy;
mod resolve;
mod transport;

pub use client::{HttpsClient, HttpsClientConfig};
pub use credential::{Secret, SecretError};
pub use endpoint::{ApprovedOrigin, Endpoint, EndpointError, Reach};
pub(crate) use gate::{Gate, GateHooks};
pub use origin::{Origin, OriginError};
pub use pace::{Pace, PaceConfig};
pub use policy::Denial;
pub use transport::{Outbound, Transport, TransportError};
