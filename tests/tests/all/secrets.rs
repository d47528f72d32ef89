//! The key is the host's. It is looked for in what the guest could see: its memory while a request is under way, its
//! storage, its log, its errors, and everything that is recorded of a call.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use door_access_host::{ApprovedOrigin, Outbound, Pace, Recorder, Secret, Tenant, Transport, TransportError};
use kisi_sim::Knobs;

use crate::world::{Arm, SETTINGS, World, member, membership, plugin};

/// Looks into the guest's memory at each request, while the instance is alive.
struct Searching {
    world: Arc<World>,
    found: Mutex<Vec<String>>,
    bytes: Mutex<usize>,
    marker_seen: Mutex<bool>,
}

/// Something that the guest certainly has: the settings it sends as a header.
const MARKER: &str = "doors@gym.test";

#[async_trait]
impl Transport for Searching {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let credential = outbound.request.headers()["authorization"].to_str().unwrap().to_string();
        let key = self.world.wire.key();
        assert_eq!(credential, format!("KISI-LOGIN {key}"), "the host added the key");
        for (name, memory) in guest_memories() {
            *self.bytes.lock().unwrap() += memory.len();
            if contains(&memory, MARKER.as_bytes()) {
                *self.marker_seen.lock().unwrap() = true;
            }
            if contains(&memory, key.as_bytes()) {
                self.found.lock().unwrap().push(name);
            }
        }
        self.world.wire.exchange(outbound.request).await
    }
}

#[test]
fn the_key_is_never_in_the_guests_memory_storage_log_or_answers() {
    let world = Arc::new(World::new(Arm::Native, Knobs::default(), &["Gym"], &["basic"]));
    let searching = Arc::new(Searching {
        world: world.clone(),
        found: Mutex::default(),
        bytes: Mutex::default(),
        marker_seen: Mutex::default(),
    });
    let key = world.sim.key();
    let recorder = Arc::new(Recorder::with_bodies(1 << 20));
    let tenant = Tenant::builder(plugin(), "gym")
        .directory(world.directory.clone())
        .storage(world.storage.clone())
        .credential(Secret::new(key.clone()).unwrap())
        .transport(searching.clone())
        .approve(ApprovedOrigin::direct("https://api.kisi.io".parse::<door_access_host::Origin>().unwrap()))
        .pace(Arc::new(Pace::unlimited()))
        .clock(world.clock.clone())
        .observer(recorder.clone())
        .build()
        .unwrap();

    let mut told = vec![format!("{tenant:?}")];
    world.runtime.block_on(async {
        told.push(format!("{:?}", tenant.connect(SETTINGS).await));
        let group = world.sim.state().group_by_name("Gym").unwrap().id.to_string();
        let mapping = door_access_host::contract::mappings::Mapping {
            plan: "basic".to_string(),
            group,
            location: None,
        };
        told.push(format!("{:?}", tenant.replace_mappings(&[mapping]).await));
        world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
        let event = door_access_host::contract::events::Event {
            id: "e-1".to_string(),
            kind: door_access_host::contract::events::EventKind::MembershipPurchased,
            member: "ann".to_string(),
            occurred_at: 0,
        };
        told.push(format!("{:?}", tenant.handle(&event).await));
        world.sim.revoke_key(&key);
        world.directory.update("ann", |ann| ann.memberships.clear());
        told.push(format!("{:?}", tenant.handle(&event).await));
        told.push(format!("{:?}", tenant.status().await));
    });
    assert!(told.iter().any(|text| text.contains("KeyRejected")), "the error case is among what is searched");
    told.push(format!("{:?}", recorder.take()));
    told.push(format!("{:?}", world.storage.entries()));
    told.push(format!("{:?}", world.sim.journal()));
    let stored: Vec<u8> = world.storage.entries().into_iter().flat_map(|entry| entry.value).collect();
    assert!(!contains(&stored, key.as_bytes()), "in storage");
    for text in &told {
        assert!(!text.contains(&key), "the key is in what is told: {}", text.replace(&key, "(the key)"));
    }
    if cfg!(target_os = "linux") {
        assert!(
            *searching.marker_seen.lock().unwrap(),
            "the guest's memory was not found, so nothing was searched"
        );
        println!("searched {} bytes of guest memory", searching.bytes.lock().unwrap());
    }
    assert_eq!(*searching.found.lock().unwrap(), Vec::<String>::new(), "the key is in the guest's memory");
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The linear memories of living instances: copy-on-write images of the component's data, and what follows them in
/// the same slot of the pool.
#[cfg(target_os = "linux")]
fn guest_memories() -> Vec<(String, Vec<u8>)> {
    use std::os::unix::fs::FileExt;

    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut found = Vec::new();
    let mut slot_end = None;
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, access) = (words.next().unwrap(), words.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let (start, end) = (u64::from_str_radix(start, 16).unwrap(), u64::from_str_radix(end, 16).unwrap());
        let is_image = line.contains("wasm-memory-image");
        if access.starts_with("rw") && (is_image || slot_end == Some(start)) {
            let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
            let read = memory.read_at(&mut bytes, start).unwrap_or(0);
            bytes.truncate(read);
            found.push((line.to_string(), bytes));
            slot_end = Some(end);
        } else {
            slot_end = None;
        }
    }
    found
}

#[cfg(not(target_os = "linux"))]
fn guest_memories() -> Vec<(String, Vec<u8>)> {
    Vec::new()
}
