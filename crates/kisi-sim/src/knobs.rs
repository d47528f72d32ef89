//! The knobs: one for every fact of Kisi that is uncertain, or that a test needs the other way round.
//!
//! The defaults are the answers that the sources favour; if they favour none, the answer that hurts a careless client
//! more. Every knob should be tested both ways.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

/// Kisi's documented limit. See [`Knobs::requests_per_second`].
const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(4);

/// Declares [`Knobs`]: first the knobs with an enum of their own, whose first value is the default, then the others.
/// The text after a value is its name in a seed.
macro_rules! knobs {
    (
        choices { $(
            $(#[$doc:meta])* $knob:ident: $enum:ident {
                $(#[$default_doc:meta])* $default:ident = $default_text:literal,
                $($(#[$value_doc:meta])* $value:ident = $text:literal,)+
            }
        )+ }
        others { $($(#[$other_doc:meta])* $other:ident: $type:ty = $other_default:expr,)+ }
    ) => {
        /// The simulator's behaviour where Kisi's is uncertain or configurable.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Knobs {
            $($(#[$doc])* pub $knob: $enum,)+
            $($(#[$other_doc])* pub $other: $type,)+
        }

        impl Default for Knobs {
            fn default() -> Knobs {
                Knobs { $($knob: $enum::$default,)+ $($other: $other_default,)+ }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
            pub enum $enum {
                $(#[$default_doc])* #[serde(rename = $default_text)] $default,
                $($(#[$value_doc])* #[serde(rename = $text)] $value,)+
            }
        )+
    };
}

knobs! {
    choices {
        /// A `limit` above the resource's maximum.
        limit_above_max: LimitAboveMax {
            /// The maximum is used instead.
            Clamp = "clamp",
            /// Refused with 422.
            Unprocessable = "422",
        }
        /// An `offset` above its maximum.
        offset_above_max: OffsetAboveMax {
            /// Refused with 422 on `offset`.
            Unprocessable = "422",
            /// Refused with 400.
            BadRequest = "400",
        }
        /// The range header of a page that starts after the last row.
        offset_past_end: OffsetPastEnd {
            /// `*/total`.
            Star = "star",
            /// The requested range, as for any other page: `start-end/total`.
            RequestedRange = "requested_range",
        }
        /// Whether rows keep their places while a client reads page after page.
        row_order: RowOrder {
            /// Rows come in the order of their ids, or sorted as asked.
            Stable = "stable",
            /// The rows of a list rotate by one with each list that is served: a client that reads by offset misses
            /// one row and sees another twice.
            Drifting = "drifting",
        }
        /// Creating a user with an e-mail address that another user of the organization has.
        duplicate_user: DuplicateUser {
            /// 409 "The record already exists", as seen in production.
            Conflict = "409",
            /// 422 on `email`, as documented.
            Unprocessable = "422",
        }
        /// `email` in the body of `PATCH /users/{id}`.
        email_in_patch: EmailInPatch {
            /// Answered with 204, without effect.
            Ignored = "ignored",
            /// Refused with 422.
            Unprocessable = "422",
        }
        /// How `email=` treats upper and lower case.
        email_filter_case: EmailFilterCase {
            /// Upper and lower case are the same.
            Insensitive = "insensitive",
            /// Only the exact spelling that was stored is found.
            Sensitive = "sensitive",
        }
        /// Creating a role assignment that exists already, with the same role.
        duplicate_role_assignment: DuplicateRoleAssignment {
            /// 409 when both dates are the same too, otherwise one more row.
            IdenticalDatesConflict = "identical_dates_409",
            /// 409 whatever the dates.
            AlwaysConflict = "always_409",
            /// Always one more row.
            Stack = "stack",
        }
        /// Creating a role assignment where the assignee already has another role in the same place or group.
        second_role: SecondRole {
            /// Refused with 422: "a user can't have more than one role in the same place or group".
            Unprocessable = "422",
            /// Allowed, as in an older help page.
            Allowed = "allowed",
        }
        /// `valid_from` and `valid_until` in the body of `PATCH /role_assignments/{id}`.
        validity_in_patch: ValidityInPatch {
            /// They change the role assignment.
            Honoured = "honoured",
            /// They are answered with 204, without effect.
            Ignored = "ignored",
        }
        /// `GET /role_assignments` for a user that does not exist.
        role_assignments_of_deleted_user: RoleAssignmentsOfDeletedUser {
            /// An empty list.
            Empty = "empty",
            /// 404.
            NotFound = "404",
        }
        /// `metadata` in the body of `PATCH /users/{id}`.
        metadata_patch: MetadataPatch {
            /// The given object replaces the old one.
            Replace = "replace",
            /// The given keys are set, the others stay.
            Merge = "merge",
        }
        /// The code of an unlock that is refused because no role assignment gives access to the door.
        unlock_denied_code: UnlockDeniedCode {
            /// `fcd8ef`.
            Fcd8ef = "fcd8ef",
            /// `afc496`.
            Afc496 = "afc496",
        }
        /// The status of an unlock where door or place are locked down.
        lockdown_status: LockdownStatus {
            /// 403, as for every other refusal.
            Forbidden = "403",
            /// 409, which is documented without a case.
            Conflict = "409",
        }
        /// The status of an unlock of a door that is offline.
        offline_status: OfflineStatus {
            /// 503.
            Unavailable = "503",
            /// 409, which is documented without a case.
            Conflict = "409",
        }
        /// `GET /logins/{id}`, which the specification does not have.
        login_by_id: LoginById {
            /// No such endpoint: the specification has only DELETE.
            NoSuchEndpoint = "404",
            /// The login.
            Shown = "200",
        }
        /// How an event set ends.
        event_set_outcome: EventSetOutcome {
            /// With its events.
            Finished = "finished",
            /// As `failed`, without any.
            Failed = "failed",
        }
        /// Requests without `X-Kisi-Integration-Identifier` or `X-Kisi-Integration-Contact`.
        integration_headers: IntegrationHeaders {
            /// Recorded if present.
            Optional = "optional",
            /// Refused with 422 when one is missing or blank.
            Unprocessable = "422",
            /// Refused with 400 when one is missing or blank.
            BadRequest = "400",
        }
        /// Query parameters that the endpoint does not document.
        unknown_parameters: UnknownInput {
            /// Ignored, and listed in the journal.
            Record = "record",
            /// Listed in the journal, and refused with 422.
            Unprocessable = "422",
        }
    }
    others {
        /// The highest `offset`. Documented as 20,000 for every list; a lower one is reached with fewer rows.
        offset_max: u64 = 20_000,
        /// How long a new record stays invisible to `query=`, in milliseconds.
        query_lag_ms: u64 = 0,
        /// How long a new user stays invisible to `email=`, in milliseconds.
        email_lag_ms: u64 = 0,
        /// `notify` of a role assignment whose body leaves it out.
        notify_default: bool = true,
        /// How long a new event set is `in_progress`, in milliseconds.
        event_set_delay_ms: u64 = 0,
        /// Whether the rate limit applies.
        rate_limit: bool = true,
        /// Requests that one user may make within one second, with all keys together.
        requests_per_second: NonZeroU32 = REQUESTS_PER_SECOND,
        /// Seconds in a `Retry-After` header on every 429; none by default, because none is documented.
        retry_after_s: Option<u64> = None,
        /// Body fields that the endpoint does not document.
        unknown_fields: UnknownInput = UnknownInput::Record,
        /// Whether the journal keeps the answers' bodies too.
        journal_responses: bool = false,
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
