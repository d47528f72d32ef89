//! What may leave, and how: the checks of a request, the key, the pace, and the client.
//!
//! The gate of a call (`call::gate`) applies the checks of [`policy`] in a fixed order, each with its own refusal
//! ([`Denial`]): Is there a request left in the budget? Is there room for another open one? Is the address free of the
//! tenant's key? May this origin be reached? Is the method ordinary? Are the headers clean? May this method have a body,
//! and is it within its limit? Is the rest free of the key? Only then the credential is added, for exactly that origin.
//! The request waits for its turn in the [`Pace`] and goes to the [`Transport`]. Redirects are not followed; they are
//! responses like any other. The response is read whole, within a limit, and searched for the key before the guest gets
//! any of it.

pub(crate) mod policy;

mod origin;

mod endpoint;

mod credential;

mod pace;

mod transport;

mod client;

mod resolve;

pub mod address;

pub(crate) mod body;

pub use client::{HttpsClient, HttpsClientConfig};
pub(crate) use credential::Credential;
pub use endpoint::{ApprovedOrigin, Endpoint, EndpointError, Reach};
pub use origin::{Origin, OriginError};
pub use pace::{Pace, PaceConfig};
pub use policy::Denial;
pub use transport::{Outbound, Transport, TransportError};
