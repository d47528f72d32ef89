//! The plugin's manifest.

use crate::contract::provider::{Credential, DirectoryData, Manifest};
use crate::kisi;
use crate::settings;

/// The version of the contract in `wit/`.
pub const CONTRACT: &str = "0.1.0";

/// See `provider.describe`.
pub fn describe() -> Manifest {
    Manifest {
        name: "kisi".to_string(),
        title: "Kisi door access".to_string(),
        version: env!("CARGO_PKG_VERSION").to_string(),
        contract: CONTRACT.to_string(),
        origins: vec![kisi::ORIGIN.to_string()],
        // `Authorization: KISI-LOGIN <secret>` (C).
        credential: Credential {
            header: "authorization".to_string(),
            prefix: "KISI-LOGIN ".to_string(),
            instructions:
                "A Kisi API key of the organization's owner or an administrator: in Kisi, My Account > API > \
                           Add API key. Make one for this integration alone."
                    .to_string(),
        },
        reads: vec![
            DirectoryData::Names,
            DirectoryData::Emails,
            DirectoryData::Memberships,
            DirectoryData::Plans,
        ],
        settings_schema: settings::SCHEMA.to_string(),
    }
}
