//! A Kisi that is no simulator, perhaps the real one: read and, if allowed, seeded through its API. Requests share the
//! plugin's pace and do not count as the plugin's calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::key::Key;
use super::request::Server;
use super::roster::{Assignment, PLAIN_ROLE, Roster, elevated};
use crate::unusable::{Unusable, unusable};
use door_access_host::contract::types::Window;
use door_access_host::{Clock, Pace};

/// Precedes the key in the `Authorization` header.
const KEY_PREFIX: &str = "KISI-LOGIN ";
/// Rows of a page: the smallest maximum of the lists read here.
const PAGE_ROWS: usize = 100;
/// Most pages of a list: Kisi refuses offsets above 20,000 rows.
const PAGES_MAX: usize = 200;

/// A Kisi behind its API.
pub(crate) struct Live {
    server: Server,
    clock: Arc<dyn Clock>,
    pace: Arc<Pace>,
}

impl Live {
    pub(super) fn new(server: Server, clock: Arc<dyn Clock>, pace: Arc<Pace>) -> Live {
        Live { server, clock, pace }
    }

    /// Who is in which group.
    pub(super) async fn roster(&self, key: &Key) -> Result<Roster, Unusable> {
        let groups: BTreeMap<u64, String> = self.groups(key).await?;
        let mut assignments = Vec::new();
        for row in self.list(key, "/role_assignments?scope=group").await? {
            let (group, assignee) = (row.get("applies_to_id").and_then(Value::as_u64), row.get("assignee"));
            let (Some(group), Some(assignee)) = (group.and_then(|id| groups.get(&id)), assignee) else {
                continue;
            };
            let time = |field: &str| kisi_sim::parse_timestamp(row.get(field)?.as_str()?).ok();
            assignments.push(Assignment {
                name: text(assignee, "name").to_owned(),
                email: text(assignee, "email").to_lowercase(),
                group: group.clone(),
                role: elevated(text(&row, "role_id")),
                window: Window { starts_at: time("valid_from"), ends_at: time("valid_until") },
            });
        }
        Ok(Roster { groups, assignments, accounts: None })
    }

    /// Creates the groups, people and assignments of the seed that Kisi does not have.
    pub(super) async fn seed(&self, seed: &kisi_sim::Seed, key: &Key) -> Result<(), Unusable> {
        let Some(organization) = seed.organizations.first() else { return Ok(()) };
        let mut groups: BTreeMap<String, u64> =
            self.groups(key).await?.into_iter().map(|(id, name)| (name, id)).collect();
        for group in organization.groups.iter().map(|group| &group.name) {
            if !groups.contains_key(group) {
                let made = self.write(key, "/groups", &json!({ "group": { "name": group } })).await?;
                groups.insert(group.clone(), id(&made)?);
            }
        }
        let mut users = BTreeMap::new();
        for user in &organization.users {
            let email = user.email.to_lowercase();
            let query = utf8_percent_encode(&user.email, NON_ALPHANUMERIC);
            let known = self.list(key, &format!("/users?email={query}")).await?;
            let known = known.iter().find(|row| text(row, "email").to_lowercase() == email);
            let found = match known {
                Some(row) => id(row)?,
                None => {
                    let user = json!({ "email": user.email, "name": user.name, "send_emails": false, "confirm": true });
                    id(&self.write(key, "/users", &json!({ "user": user })).await?)?
                }
            };
            users.insert(email, found);
        }
        let roster = self.roster(key).await?;
        for wanted in &organization.role_assignments {
            let email = wanted.user.to_lowercase();
            let (Some(group), Some(user)) = (&wanted.group, users.get(&email)) else { continue };
            let is_in = roster.of_address(&email).iter().any(|held| held.group == *group);
            if let (false, Some(group)) = (is_in, groups.get(group)) {
                let role = wanted.role.as_deref().unwrap_or(PLAIN_ROLE);
                let assignment = json!({
                    "role_id": role, "assignee_type": "User", "assignee_id": user,
                    "applies_to_type": "Group", "applies_to_id": group, "notify": false,
                });
                self.write(key, "/role_assignments", &json!({ "role_assignment": assignment })).await?;
            }
        }
        Ok(())
    }

    async fn groups(&self, key: &Key) -> Result<BTreeMap<u64, String>, Unusable> {
        let rows = self.list(key, "/groups").await?;
        rows.iter().map(|row| Ok((id(row)?, text(row, "name").to_owned()))).collect()
    }

    /// All rows of a list; none when Kisi refuses, because the plugin's own message will be the better one.
    async fn list(&self, key: &Key, path: &str) -> Result<Vec<Value>, Unusable> {
        let mut rows = Vec::new();
        let joint = if path.contains('?') { '&' } else { '?' };
        for page in 0..PAGES_MAX {
            let offset = page * PAGE_ROWS;
            let path = format!("{path}{joint}limit={PAGE_ROWS}&offset={offset}");
            let (status, answer) = self.send(key, Method::GET, &path, None).await?;
            let Value::Array(page) = answer else { return Ok(rows) };
            let is_last = page.is_empty();
            rows.extend(page);
            if status != StatusCode::OK || is_last || rows.len() < offset + PAGE_ROWS {
                return Ok(rows);
            }
        }
        Ok(rows)
    }

    async fn write(&self, key: &Key, path: &str, body: &Value) -> Result<Value, Unusable> {
        let (status, answer) = self.send(key, Method::POST, path, Some(body)).await?;
        if status.is_success() {
            return Ok(answer);
        }
        unusable(format!("seeding failed: Kisi answers POST {path} with status {}", status.as_u16()))
    }

    async fn send(
        &self,
        key: &Key,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value), Unusable> {
        let turn = self.pace.turn(self.clock.as_ref()).await;
        turn.map_err(|ms| {
            Unusable::new(format!("Kisi refuses requests for now: try again in {} s", ms / 1_000))
        })?;
        let authorization = format!("{KEY_PREFIX}{}", key.expose());
        self.server.send(method, path, Some(&authorization), body).await
    }
}

fn text<'a>(row: &'a Value, field: &str) -> &'a str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn id(row: &Value) -> Result<u64, Unusable> {
    row.get("id")
        .and_then(Value::as_u64)
        .ok_or_else(|| Unusable::new("Kisi answers with an object that has no id"))
}
