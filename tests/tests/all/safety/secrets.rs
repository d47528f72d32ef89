//! The key belongs to the host. It is searched for in everything that the guest could see: its memory during a request, its
//! storage, its log, its errors, and everything that is recorded of a call.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use door_access_host::{Outbound, Recorder, Transport, TransportError};
use door_access_testkit::{Boundary, SETTINGS, World, member, membership};

/// Searches the guest's memory at each request, while the instance is alive.
struct Searching {
    boundary: Arc<Boundary>,
    key: String,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// Memories that contain the key.
    with_key: Vec<String>,
    bytes: usize,
    has_marker: bool,
}

/// A text that the guest certainly has: the settings that it sends as a header.
const MARKER: &str = "doors@gym.test";

#[async_trait]
impl Transport for Searching {
    async fn send(&self, outbound: Outbound) -> Result<http::Response<Bytes>, TransportError> {
        let credential = outbound.request.headers()["authorization"].to_str().unwrap().to_string();
        assert_eq!(credential, format!("KISI-LOGIN {}", self.key), "the host added the key");
        for (name, memory) in guest_memories() {
            let mut seen = self.seen.lock().unwrap();
            seen.bytes += memory.len();
            seen.has_marker |= contains(&memory, MARKER.as_bytes());
            if contains(&memory, self.key.as_bytes()) {
                seen.with_key.push(name);
            }
        }
        self.boundary.send(outbound).await
    }
}

#[test]
fn the_key_is_never_in_the_guests_memory_storage_log_or_answers() {
    let world = World::builder().groups(&["Gym"]).plans(&["basic"]).build();
    let key = world.sim.key();
    let searching =
        Arc::new(Searching { boundary: world.boundary.clone(), key: key.clone(), seen: Mutex::default() });
    let recorder = Arc::new(Recorder::with_bodies(1 << 20));
    let tenant =
        world.tenant_builder().transport(searching.clone()).observer(recorder.clone()).build().unwrap();

    let mut told = vec![format!("{tenant:?}")];
    world.run(async {
        told.push(format!("{:?}", tenant.connect(SETTINGS).await));
        let mapping = world.entries(&[("basic", &["Gym"])]);
        told.push(format!("{:?}", tenant.replace_mappings(&mapping).await));
        world.directory.insert(member("ann", vec![membership("ms-1", "basic")]));
        told.push(format!("{:?}", tenant.handle(&world.event("ann")).await));
        world.sim.revoke_key(&key);
        world.directory.update("ann", |ann| ann.memberships.clear());
        told.push(format!("{:?}", tenant.handle(&world.event("ann")).await));
        told.push(format!("{:?}", tenant.status().await));
    });
    assert!(told.iter().any(|text| text.contains("KeyRejected")), "the error case is among what is searched");
    told.push(format!("{:?}", recorder.take()));
    told.push(format!("{:?}", world.storage.entries()));
    told.push(format!("{:?}", world.sim.journal()));
    let stored: Vec<u8> = world.storage.entries().into_iter().flat_map(|entry| entry.value).collect();
    assert!(!contains(&stored, key.as_bytes()), "in storage");
    for text in &told {
        assert!(!text.contains(&key), "the key is in an output: {}", text.replace(&key, "(the key)"));
    }
    let seen = searching.seen.lock().unwrap();
    if cfg!(target_os = "linux") {
        assert!(seen.has_marker, "the guest's memory was not found, so nothing was searched");
        println!("searched {} bytes of guest memory", seen.bytes);
    }
    assert_eq!(seen.with_key, Vec::<String>::new(), "the key is in the guest's memory");
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
        // The image is the compiled component's file when that comes from a cache, and a file in memory otherwise.
        let is_image = line.contains("wasm-memory-image") || line.ends_with(".cwasm");
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
