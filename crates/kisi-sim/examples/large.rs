//! Measures a large organization: seeding 100,000 users with 200,000 role assignments, and reading them as a client
//! does. Prints a table.
//!
//! `cargo run --release -p kisi-sim --example large`

use std::time::Instant;

use anyhow::{Context, ensure};
use axum::Router;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use kisi_sim::{
    OrganizationRole, Seed, SeedGroup, SeedOrganization, SeedRoleAssignment, SeedUser, Simulator,
};
use serde_json::Value;
use tower::ServiceExt;

const USERS: usize = 100_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let seed = seed();
    let simulator = timed("Simulator::new", || Simulator::new(seed))?;
    let state = timed("Simulator::state", || simulator.state());
    let group = state.group_by_name("All").context("no group")?.id;
    let client = Client { router: simulator.router(), key: simulator.key() };

    let all = format!("/role_assignments?applies_to_type=Group&applies_to_id={group}");
    client.read("100,000 role assignments of a group by 250", &all, 250).await?;
    client.read("100,000 users of a group by 100", &format!("/users?group_id={group}"), 100).await?;

    let start = Instant::now();
    for number in 0..1000 {
        let email = format!("u{}@x.test", number * 97);
        let found = client.get(&format!("/users?email={email}")).await?;
        let id = found.pointer("/0/id").and_then(Value::as_u64).context("not found")?;
        let held = format!("/role_assignments?assignee_type=User&assignee_id={id}");
        ensure!(client.get(&held).await?.as_array().is_some_and(|rows| rows.len() == 2), "{email}");
    }
    report("1,000 users by e-mail, each with its role assignments", start);

    let start = Instant::now();
    client.get("/groups?limit=250").await?;
    report("the groups with their counts", start);
    let start = Instant::now();
    ensure!(simulator.delete_group(group), "the group is gone");
    report("deleting a group of 100,000", start);
    Ok(())
}

/// All users are in one group, and each is in one of a hundred others.
fn seed() -> Seed {
    let group = |name: String| SeedGroup {
        name,
        description: None,
        place: None,
        locks: Vec::new(),
        login_enabled: true,
    };
    let user = |number: usize| SeedUser {
        name: format!("User {number}"),
        email: format!("u{number}@x.test"),
        role: OrganizationRole::Member,
        access_enabled: true,
        notes: None,
        metadata: serde_json::Map::new(),
    };
    let held = |number: usize, group: String| SeedRoleAssignment {
        user: format!("u{number}@x.test"),
        group: Some(group),
        ..SeedRoleAssignment::default()
    };
    let organization = SeedOrganization {
        groups: (0..100)
            .map(|number| group(format!("Group {number}")))
            .chain([group("All".to_owned())])
            .collect(),
        users: (0..USERS).map(user).collect(),
        role_assignments: (0..USERS)
            .flat_map(|number| {
                [held(number, "All".to_owned()), held(number, format!("Group {}", number % 100))]
            })
            .collect(),
        ..SeedOrganization::default()
    };
    let mut seed = Seed { organizations: vec![organization], ..Seed::default() };
    seed.knobs.rate_limit = false;
    // Kisi's own would end the reading at 20,000.
    seed.knobs.offset_max = u64::MAX;
    seed
}

/// A client in the same process.
struct Client {
    router: Router,
    key: String,
}

impl Client {
    /// Reads a list of all users to its end.
    async fn read(&self, what: &str, list: &str, limit: usize) -> anyhow::Result<()> {
        let start = Instant::now();
        let mut read = 0;
        while read < USERS {
            let page = self.get(&format!("{list}&limit={limit}&offset={read}")).await?;
            let found = page.as_array().map_or(0, Vec::len);
            ensure!(found > 0, "{list}: no rows at {read}");
            read += found;
        }
        report(what, start);
        Ok(())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = Request::get(path)
            .header("authorization", format!("KISI-LOGIN {}", self.key))
            .body(Body::empty())?;
        let response = self.router.clone().oneshot(request).await?;
        Ok(serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?)
    }
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    report(what, start);
    done
}

fn report(what: &str, start: Instant) {
    println!("{:>9.3} s  {what}", start.elapsed().as_secs_f64());
}
