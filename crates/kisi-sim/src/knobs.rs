//! The knobs: one for every fact of Kisi that is uncertain, or that a test needs the other way round.
//!
//! The defaults are the answers that the sources favour; if they favour none, the answer that hurts a careless client
//! more. Every knob should be tested both ways.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// The simulator's behaviour where Kisi's is uncertain or configurable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// A `limit` above the resource's maximum.
    pub limit_above_max: LimitAboveMax,
    /// The highest `offset`. Documented as 20,000 for every list; a lower one is reached with fewer rows.
    pub offset_max: u64,
    /// An `offset` above it.
    pub offset_above_max: OffsetAboveMax,
    /// The range header of a page that starts after the last row.
    pub offset_past_end: OffsetPastEnd,
    /// Whether rows keep their places while a client reads page after page.
    pub row_order: RowOrder,
    /// Creating a user with an e-mail address that another user of the organization has.
    pub duplicate_user: DuplicateUser,
    /// `email` in the body of `PATCH /users/{id}`.
    pub email_in_patch: EmailInPatch,
    /// How long a new record stays invisible to `query=`, in milliseconds.
    pub query_lag_ms: u64,
    /// How long a new user stays invisible to `email=`, in milliseconds.
    pub email_lag_ms: u64,
    /// How `email=` treats upper and lower case.
    pub email_filter_case: EmailFilterCase,
    /// Creating a role assignment that exists already, with the same role.
    pub duplicate_role_assignment: DuplicateRoleAssignment,
    /// Creating a role assignment where the assignee already has another role in the same place or group.
    pub second_role: SecondRole,
    /// `valid_from` and `valid_until` in the body of `PATCH /role_assignments/{id}`.
    pub validity_in_patch: ValidityInPatch,
    /// `notify` of a role assignment whose body leaves it out.
    pub notify_default: bool,
    /// `GET /role_assignments` for a user that does not exist.
    pub role_assignments_of_deleted_user: RoleAssignmentsOfDeletedUser,
    /// `metadata` in the body of `PATCH /users/{id}`.
    pub metadata_patch: MetadataPatch,
    /// The code of an unlock that is refused because no role assignment gives access to the door.
    pub unlock_denied_code: UnlockDeniedCode,
    /// The status of an unlock where door or place are locked down.
    pub lockdown_status: LockdownStatus,
    /// The status of an unlock of a door that is offline.
    pub offline_status: OfflineStatus,
    /// `GET /logins/{id}`, which the specification does not have.
    pub login_by_id: LoginById,
    /// How long a new event set is `in_progress`, in milliseconds.
    pub event_set_delay_ms: u64,
    /// How an event set ends.
    pub event_set_outcome: EventSetOutcome,
    /// Whether the rate limit applies.
    pub rate_limit: bool,
    /// Requests that one user may make within one second, with all keys together.
    pub requests_per_second: NonZeroU32,
    /// Seconds in a `Retry-After` header on every 429; none by default, because none is documented.
    pub retry_after_s: Option<u64>,
    /// Requests without `X-Kisi-Integration-Identifier` or `X-Kisi-Integration-Contact`.
    pub integration_headers: IntegrationHeaders,
    /// Query parameters that the endpoint does not document.
    pub unknown_parameters: UnknownInput,
    /// Body fields that the endpoint does not document.
    pub unknown_fields: UnknownInput,
    /// Whether the journal keeps the answers' bodies too.
    pub journal_responses: bool,
}

/// Kisi's documented limit. See [`Knobs::offset_max`].
const OFFSET_MAX: u64 = 20_000;
/// Kisi's documented limit. See [`Knobs::requests_per_second`].
const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

impl Default for Knobs {
    fn default() -> Knobs {
        Knobs {
            limit_above_max: LimitAboveMax::Clamp,
            offset_max: OFFSET_MAX,
            offset_above_max: OffsetAboveMax::Unprocessable,
            offset_past_end: OffsetPastEnd::Star,
            row_order: RowOrder::Stable,
            duplicate_user: DuplicateUser::Conflict,
            email_in_patch: EmailInPatch::Ignored,
            query_lag_ms: 0,
            email_lag_ms: 0,
            email_filter_case: EmailFilterCase::Insensitive,
            duplicate_role_assignment: DuplicateRoleAssignment::IdenticalDatesConflict,
            second_role: SecondRole::Unprocessable,
            validity_in_patch: ValidityInPatch::Honoured,
            notify_default: true,
            role_assignments_of_deleted_user: RoleAssignmentsOfDeletedUser::Empty,
            metadata_patch: MetadataPatch::Replace,
            unlock_denied_code: UnlockDeniedCode::Fcd8ef,
            lockdown_status: LockdownStatus::Forbidden,
            offline_status: OfflineStatus::Unavailable,
            login_by_id: LoginById::NoSuchEndpoint,
            event_set_delay_ms: 0,
            event_set_outcome: EventSetOutcome::Finished,
            rate_limit: true,
            requests_per_second: REQUESTS_PER_SECOND,
            retry_after_s: None,
            integration_headers: IntegrationHeaders::Optional,
            unknown_parameters: UnknownInput::Record,
            unknown_fields: UnknownInput::Record,
            journal_responses: false,
        }
    }
}

/// Declares the enums of the knobs: the name of each value in a seed, and its meaning.
macro_rules! knob_values {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ })+) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $text)] $variant,)+
        })+
    };
}

knob_values! {
    /// A `limit` above the resource's maximum.
    LimitAboveMax {
        /// The maximum is used instead.
        Clamp = "clamp",
        /// Refused with 422.
        Unprocessable = "422",
    }
    /// An `offset` above the maximum.
    OffsetAboveMax {
        /// Refused with 422 on `offset`.
        Unprocessable = "422",
        /// Refused with 400.
        BadRequest = "400",
    }
    /// The range header of a page that starts after the last row.
    OffsetPastEnd {
        /// `*/total`.
        Star = "star",
        /// The requested range, as for any other page: `start-end/total`.
        RequestedRange = "requested_range",
    }
    /// Whether rows keep their places between requests.
    RowOrder {
        /// Rows come in the order of their ids, or sorted as asked.
        Stable = "stable",
        /// The rows of a list rotate by one with each list that is served: a client that reads by offset misses one
        /// row and sees another twice.
        Drifting = "drifting",
    }
    /// A second user with the same e-mail address, in any case.
    DuplicateUser {
        /// 409 "The record already exists", as seen in production.
        Conflict = "409",
        /// 422 on `email`, as documented.
        Unprocessable = "422",
    }
    /// `email` in the body of `PATCH /users/{id}`.
    EmailInPatch {
        /// Answered with 204, without effect.
        Ignored = "ignored",
        /// Refused with 422.
        Unprocessable = "422",
    }
    /// How `email=` compares.
    EmailFilterCase {
        /// Upper and lower case are the same.
        Insensitive = "insensitive",
        /// Only the exact spelling that was stored is found.
        Sensitive = "sensitive",
    }
    /// The same assignee, role and target once more.
    DuplicateRoleAssignment {
        /// 409 when both dates are the same too, otherwise one more row.
        IdenticalDatesConflict = "identical_dates_409",
        /// 409 whatever the dates.
        AlwaysConflict = "always_409",
        /// Always one more row.
        Stack = "stack",
    }
    /// Another role of the same assignee in the same place or group.
    SecondRole {
        /// Refused with 422: "a user can't have more than one role in the same place or group".
        Unprocessable = "422",
        /// Allowed, as in an older help page.
        Allowed = "allowed",
    }
    /// `valid_from` and `valid_until` in the body of `PATCH /role_assignments/{id}`.
    ValidityInPatch {
        /// They change the role assignment.
        Honoured = "honoured",
        /// They are answered with 204, without effect.
        Ignored = "ignored",
    }
    /// The role assignments of a user that does not exist.
    RoleAssignmentsOfDeletedUser {
        /// An empty list.
        Empty = "empty",
        /// 404.
        NotFound = "404",
    }
    /// `metadata` in the body of `PATCH /users/{id}`.
    MetadataPatch {
        /// The given keys are set, the others stay.
        Merge = "merge",
        /// The given object replaces the old one.
        Replace = "replace",
    }
    /// The code of an unlock that is refused because no role assignment gives access to the door: Kisi lists two.
    UnlockDeniedCode {
        /// `fcd8ef`.
        Fcd8ef = "fcd8ef",
        /// `afc496`.
        Afc496 = "afc496",
    }
    /// The status of an unlock where door or place are locked down.
    LockdownStatus {
        /// 403, as for every other refusal.
        Forbidden = "403",
        /// 409, which is documented without a case.
        Conflict = "409",
    }
    /// The status of an unlock of a door that is offline.
    OfflineStatus {
        /// 503.
        Unavailable = "503",
        /// 409, which is documented without a case.
        Conflict = "409",
    }
    /// Reading one login by its id.
    LoginById {
        /// No such endpoint: the specification has only DELETE.
        NoSuchEndpoint = "404",
        /// The login.
        Shown = "200",
    }
    /// How an event set ends.
    EventSetOutcome {
        /// With its events.
        Finished = "finished",
        /// As `failed`, without any.
        Failed = "failed",
    }
    /// The headers that Kisi asks integration partners for.
    IntegrationHeaders {
        /// Recorded if present.
        Optional = "optional",
        /// Refused with 422 when one is missing or blank.
        Unprocessable = "422",
        /// Refused with 400 when one is missing or blank.
        BadRequest = "400",
    }
    /// Query parameters or body fields that the endpoint does not document.
    UnknownInput {
        /// Ignored, and listed in the journal.
        Record = "record",
        /// Listed in the journal, and refused with 422.
        Unprocessable = "422",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knobs_left_out_keep_their_defaults_and_misspelt_ones_are_refused() {
        let knobs: Knobs =
            serde_json::from_str(r#"{"duplicate_user":"422","requests_per_second":9}"#).unwrap();
        assert_eq!(knobs.duplicate_user, DuplicateUser::Unprocessable);
        assert_eq!(knobs.requests_per_second.get(), 9);
        assert_eq!(Knobs { duplicate_user: DuplicateUser::Conflict, ..knobs }.email_lag_ms, 0);
        assert_eq!(Knobs::default().requests_per_second.get(), 5);
        assert!(serde_json::from_str::<Knobs>(r#"{"duplicate_users":"422"}"#).is_err());
        assert!(serde_json::from_str::<Knobs>(r#"{"duplicate_user":"423"}"#).is_err());
    }
}
