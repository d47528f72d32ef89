//! An address that answers like Kisi and is no simulator, perhaps the real one: read and, if allowed, seeded through
//! the ordinary API, at the same pace as the plugin and never counted as its calls.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::key::Key;
use super::picture::{Held, Picture, elevated};
use super::request::Server;
use crate::unusable::{Unusable, unusable};
use door_access_host::{Clock, Pace};

/// How Kisi wants its key.
const KEY_PREFIX: &str = "KISI-LOGIN ";
/// Rows of a page: the smallest of the maxima that Kisi has for what is read here.
const PAGE_ROWS: usize = 100;
/// Most pages of a list: Kisi refuses offsets above 20,000.
const PAGES_MAX: usize = 200;

/// The address, and what paces requests to it.
pub(crate) struct Live {
    server: Server,
    clock: Arc<dyn Clock>,
    pace: Arc<Pace>,
}

impl Live {
    /// Whoever answers as `server`.
    pub(super) fn new(server: Server, clock: Arc<dyn Clock>, pace: Arc<Pace>) -> Live {
        Live { server, clock, pace }
    }

    /// Who is in which group.
    pub(super) async fn picture(&self, key: &Key) -> Result<Picture, Unusable> {
        let groups: BTreeMap<u64, String> = self.groups(key).await?;
        let mut held = Vec::new();
        for row in self.list(key, "/role_assignments?scope=group").await? {
            let (group, assignee) = (row.get("applies_to_id").and_then(Value::as_u64), row.get("assignee"));
            let (Some(group), Some(assignee)) = (group.and_then(|id| groups.get(&id)), assignee) else {
                continue;
            };
            let time = |field: &str| kisi_sim::parse_timestamp(row.get(field)?.as_str()?).ok();
            held.push(Held {
                name: text(assignee, "name").to_owned(),
                email: text(assignee, "email").to_lowercase(),
                group: group.clone(),
                role: elevated(text(&row, "role_id")),
                from_ms: time("valid_from"),
                until_ms: time("valid_until"),
            });
        }
        Ok(Picture { groups, held, accounts: None })
    }

    /// Makes what the seed names and Kisi has not: groups, people, and who is in which group.
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
            let known = self.list(key, &format!("/users?email={}", escaped(&user.email))).await?;
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
        let held = self.picture(key).await?;
        for wanted in &organization.role_assignments {
            let email = wanted.user.to_lowercase();
            let (Some(group), Some(user)) = (&wanted.group, users.get(&email)) else { continue };
            let is_in = held.of_address(&email).iter().any(|held| held.group == *group);
            if let (false, Some(group)) = (is_in, groups.get(group)) {
                let role = wanted.role.as_deref().unwrap_or("group_basic");
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

    /// All rows of a list. A Kisi that refuses is one that the plugin will complain about in better words: then there
    /// are none.
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
        .ok_or_else(|| Unusable::new("Kisi answers with an object that has no id".to_owned()))
}

/// A value of a query, percent-encoded.
fn escaped(value: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    value
        .bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
