//! Resolves names and checks each address. The checked address is the one that is used, even if the name changes a moment
//! later.
//!
//! The machine's resolver blocks a thread for as long as the name's server takes, and cannot be cancelled. The process has
//! a few hundred threads for such work, so each name gets only two: a slow name delays only requests to that name.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::client::legacy::connect::dns::Name;
use thiserror::Error;
use tokio::sync::Semaphore;
use tower_service::Service;

use super::address::{Special, special};
use super::endpoint::Reach;

/// Threads that look up one name at once. Two, so that one lost answer does not block the name; more would only repeat
/// the same query.
const LOOKUPS_PER_NAME: usize = 2;

/// Finds the addresses of a name. May block.
pub(super) type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// The machine's resolver.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|host| Ok((host, 0).to_socket_addrs()?.map(|address| address.ip()).collect()))
}

/// Whether this address may be reached.
pub(super) fn permits(reach: Reach, address: IpAddr) -> bool {
    match reach {
        Reach::Public => special(address).is_none(),
        Reach::Loopback => special(address) == Some(Special::Loopback),
    }
}

/// The lookups of a client, shared by its resolvers.
#[derive(Clone)]
pub(super) struct Lookups {
    lookup: Lookup,
    /// Permits for the threads of each name that is being looked up.
    threads: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
}

impl Lookups {
    pub(super) fn new(lookup: Lookup) -> Self {
        Self { lookup, threads: Arc::default() }
    }

    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let thread = self.threads_of(host).acquire_owned().await.map_err(io::Error::other)?;
        let (lookup, host) = (Arc::clone(&self.lookup), host.to_owned());
        let found = tokio::task::spawn_blocking(move || {
            // Returned when the thread ends, not when the caller gives up.
            let _thread = thread;
            lookup(&host)
        });
        found.await.map_err(io::Error::other)?
    }

    fn threads_of(&self, host: &str) -> Arc<Semaphore> {
        // Entries are added and removed whole, so the table is valid after a panic elsewhere.
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        // Lookups that wait for a permit or have one hold the semaphore, too.
        threads.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
        let made = || Arc::new(Semaphore::new(LOOKUPS_PER_NAME));
        Arc::clone(threads.entry(host.to_owned()).or_insert_with(made))
    }
}

/// Resolves names and keeps only the addresses that may be reached.
#[derive(Clone)]
pub(super) struct Resolver {
    pub(super) reach: Reach,
    /// How long a name may take, the wait for a thread included.
    pub(super) timeout: Duration,
    pub(super) lookups: Lookups,
}

/// Why there is no address to connect to.
#[derive(Debug, Error)]
pub(super) enum ResolveError {
    #[error("no address for {0}")]
    NotFound(String),
    #[error("only prohibited addresses for {0}")]
    Prohibited(String),
}

impl Resolver {
    async fn resolve(self, name: Name) -> Result<std::vec::IntoIter<SocketAddr>, ResolveError> {
        let host = name.as_str();
        let found = tokio::time::timeout(self.timeout, self.lookups.addresses(host)).await;
        let found = match found {
            Ok(Ok(addresses)) => addresses,
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let reached = reachable(host, self.reach, found)?;
        // The client sets the port.
        let addresses: Vec<_> = reached.into_iter().map(|address| SocketAddr::new(address, 0)).collect();
        Ok(addresses.into_iter())
    }
}

/// The addresses of a name that may be reached. Only these are connected to.
fn reachable(host: &str, reach: Reach, mut found: Vec<IpAddr>) -> Result<Vec<IpAddr>, ResolveError> {
    if found.is_empty() {
        return Err(ResolveError::NotFound(host.to_owned()));
    }
    found.retain(|address| permits(reach, *address));
    if found.is_empty() { Err(ResolveError::Prohibited(host.to_owned())) } else { Ok(found) }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ResolveError>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn each_reach_permits_its_own_addresses_only() {
        let table = [
            ("1.1.1.1", true, false),
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, false),
            ("10.0.0.1", false, false),
            ("169.254.169.254", false, false),
        ];
        for (address, public, loopback) in table {
            let address = address.parse().unwrap();
            let permitted = (permits(Reach::Public, address), permits(Reach::Loopback, address));
            assert_eq!(permitted, (public, loopback), "{address}");
        }
    }

    fn addresses(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn resolver(reach: Reach, lookup: Lookup) -> Resolver {
        Resolver { reach, timeout: Duration::from_secs(10), lookups: Lookups::new(lookup) }
    }

    fn name(host: &str) -> Name {
        host.parse().unwrap()
    }

    #[tokio::test]
    async fn only_the_public_addresses_of_a_name_are_reached() {
        let resolve = async |found: &[&str]| {
            let found = addresses(found);
            let resolver = resolver(Reach::Public, Arc::new(move |_| Ok(found.clone())));
            let reached = resolver.resolve(name("api.example.com")).await;
            reached.map(|reached| reached.map(|address| address.ip()).collect::<Vec<_>>())
        };
        let table: [(&[&str], &[&str]); 4] = [
            (&["1.1.1.1"], &["1.1.1.1"]),
            (&["10.0.0.1", "1.1.1.1", "::ffff:1.1.1.1", "169.254.169.254"], &["1.1.1.1"]),
            (&["fd00:ec2::254", "2606:4700::1111", "64:ff9b::a9fe:a9fe"], &["2606:4700::1111"]),
            (&["127.0.0.1", "2a00::1", "0.0.0.0"], &["2a00::1"]),
        ];
        for (found, expected) in table {
            assert_eq!(resolve(found).await.unwrap(), addresses(expected), "{found:?}");
        }
        for found in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "168.63.129.16",
            "100.100.100.200",
            "::1",
            "fd00:ec2::254",
        ] {
            let refused = resolve(&[found]).await;
            assert!(matches!(refused, Err(ResolveError::Prohibited(_))), "{found}: {refused:?}");
        }
        let nothing = resolve(&[]).await;
        assert!(matches!(nothing, Err(ResolveError::NotFound(_))), "{nothing:?}");
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_not_reached_as_a_public_one() {
        let public = resolver(Reach::Public, system_lookup()).resolve(name("localhost")).await;
        assert!(matches!(public, Err(ResolveError::Prohibited(_))), "{public:?}");
        assert!(resolver(Reach::Loopback, system_lookup()).resolve(name("localhost")).await.is_ok());
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_and_the_checked_address_is_used() {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = asked.clone();
        // Public at the first lookup, this machine at later ones.
        let rebound: Lookup = Arc::new(move |_| {
            let first = count.fetch_add(1, Ordering::SeqCst) == 0;
            Ok(addresses(&[if first { "1.1.1.1" } else { "127.0.0.1" }]))
        });
        let resolver = resolver(Reach::Public, rebound);
        let reached: Vec<_> = resolver.clone().resolve(name("rebind.example")).await.unwrap().collect();
        assert_eq!(reached, ["1.1.1.1:0".parse().unwrap()]);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        let again = resolver.resolve(name("rebind.example")).await;
        assert!(matches!(again, Err(ResolveError::Prohibited(_))), "{again:?}");
    }

    #[tokio::test]
    async fn a_slow_name_delays_only_itself_and_blocks_at_most_two_threads() {
        let (asked, gate) = <(Arc<AtomicUsize>, Arc<(Mutex<bool>, Condvar)>)>::default();
        let (count, shut) = (asked.clone(), gate.clone());
        let slow: Lookup = Arc::new(move |host| {
            if host == "slow.example" {
                count.fetch_add(1, Ordering::SeqCst);
                let open = shut.0.lock().unwrap();
                drop(shut.1.wait_while(open, |open| !*open).unwrap());
            }
            Ok(addresses(&["1.1.1.1"]))
        });
        let resolver = resolver(Reach::Public, slow);
        let impatient = Resolver { timeout: Duration::from_millis(20), ..resolver.clone() };
        for _ in 0..5 {
            let late = impatient.clone().resolve(name("slow.example")).await;
            assert!(matches!(late, Err(ResolveError::NotFound(_))), "{late:?}");
            assert!(resolver.clone().resolve(name("quick.example")).await.is_ok());
        }
        assert_eq!(asked.load(Ordering::SeqCst), LOOKUPS_PER_NAME);
        *gate.0.lock().unwrap() = true;
        gate.1.notify_all();
        assert!(resolver.clone().resolve(name("slow.example")).await.is_ok());
        // Names that are not being looked up are forgotten.
        assert!(resolver.clone().resolve(name("quick.example")).await.is_ok());
        assert!(resolver.lookups.threads.lock().unwrap().len() <= 2);
    }
}
