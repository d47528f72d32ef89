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

/// What is done about a list that Kisi refuses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// It counts as empty: the plugin's own message is the better one.
    Empty,
    /// Seeding ends: it would create again what it cannot see.
    Ends,
}

impl Live {
    pub(super) fn new(server: Server, clock: Arc<dyn Clock>, pace: Arc<Pace>) -> Live {
        Live { server, clock, pace }
    }

    /// Who is in which group.
    pub(super) async fn roster(&self, key: &Key) -> Result<Roster, Unusable> {
        self.read(key, Refused::Empty).await
    }

    async fn read(&self, key: &Key, refused: Refused) -> Result<Roster, Unusable> {
        let groups: BTreeMap<u64, String> = self.groups(key, refused).await?;
        let mut assignments = Vec::new();
        for row in self.list(key, "/role_assignments?scope=group", refused).await? {
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
            self.groups(key, Refused::Ends).await?.into_iter().map(|(id, name)| (name, id)).collect();
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
            let known = self.list(key, &format!("/users?email={query}"), Refused::Ends).await?;
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
        let roster = self.read(key, Refused::Ends).await?;
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

    async fn groups(&self, key: &Key, refused: Refused) -> Result<BTreeMap<u64, String>, Unusable> {
        let rows = self.list(key, "/groups", refused).await?;
        rows.iter().map(|row| Ok((id(row)?, text(row, "name").to_owned()))).collect()
    }

    /// All rows of a list.
    async fn list(&self, key: &Key, path: &str, refused: Refused) -> Result<Vec<Value>, Unusable> {
        let mut rows = Vec::new();
        let joint = if path.contains('?') { '&' } else { '?' };
        for page in 0..PAGES_MAX {
            let offset = page * PAGE_ROWS;
            let paged = format!("{path}{joint}limit={PAGE_ROWS}&offset={offset}");
            let (status, answer) = self.send(key, Method::GET, &paged, None).await?;
            let page = match answer {
                Value::Array(page) if status == StatusCode::OK => page,
                _ if refused == Refused::Empty => return Ok(rows),
                _ => {
                    let status = status.as_u16();
                    return unusable(format!(
                        "seeding failed: Kisi answers GET {path} with status {status} and no list"
                    ));
                }
            };
            rows.extend(page);
            if rows.len() < offset + PAGE_ROWS {
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

#[cfg(test)]
mod tests {
    use door_access_host::PaceConfig;
    use kisi_sim::{Fault, FaultEffect, Seed, Simulator};

    use super::*;
    use crate::world::RouterTransport;

    #[tokio::test]
    async fn seeding_ends_and_creates_nothing_when_kisi_refuses_a_list() {
        let seed = Seed::from_toml("[[organizations]]\ngroups = [{ name = \"Gym\" }]").unwrap();
        for (effect, status) in [
            (FaultEffect::Html {}, 500),
            (FaultEffect::NotAnArray {}, 200),
            (FaultEffect::Status { status: 429, retry_after_s: None }, 429),
        ] {
            let kisi = Simulator::new(seed.clone()).unwrap();
            kisi.add_fault(Fault::new("GET /groups", effect).unwrap());
            let clock: Arc<dyn Clock> = Arc::new(door_access_host::VirtualClock::new(0));
            let transport = RouterTransport::new(kisi.router(), Arc::clone(&clock));
            let server = Server::new(Arc::new(transport), "http://127.0.0.1".parse().unwrap());
            let live = Live::new(server, clock, Arc::new(Pace::new(PaceConfig::default())));
            let key = Key::new(&kisi.key()).unwrap();
            let said = live.seed(&seed, &key).await.unwrap_err().to_string();
            let expected =
                format!("seeding failed: Kisi answers GET /groups with status {status} and no list");
            assert_eq!(said, expected);
            assert_eq!(kisi.state().groups.len(), 1);
            live.seed(&seed, &key).await.unwrap();
            assert_eq!(kisi.state().groups.len(), 1);
        }
    }
}
