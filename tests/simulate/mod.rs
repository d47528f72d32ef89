//! Deterministic simulation: random but lawful histories of gyms on the real component and the real host, with faults
//! at every boundary, judged by the rules of the product. A seed is a history, and repeats it exactly.
//!
//! `cargo xtask simulate` runs the program in `main.rs`; the test below plays a fixed share with the other tests.

mod acts;
mod alone;
mod gym;
mod history;
mod honest;
mod judge;
mod play;
mod rest;
mod stories;
mod sync;
mod trace;
mod watch;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use door_access_testkit::Effect;
use tokio::runtime::Runtime;

use history::History;
use play::{Played, play};

/// How many seeds are played unless an option says otherwise, and with every `cargo test`.
pub(crate) const SEEDS: u64 = 200;
/// After how many failures a run stops unless an option says otherwise.
pub(crate) const FAILURES_MAX: usize = 5;
const SHRINKS_MAX: usize = 3_000;

/// Which histories are played.
pub(crate) struct Options {
    /// How many.
    pub(crate) seeds: u64,
    /// The only one: everything that happens in it is printed.
    pub(crate) seed: Option<u64>,
    /// The first one.
    pub(crate) from: u64,
    /// For how long at most.
    pub(crate) minutes: Option<u64>,
    /// After how many failures the run stops.
    pub(crate) failures_max: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { seeds: SEEDS, seed: None, from: 1, minutes: None, failures_max: FAILURES_MAX }
    }
}

/// Plays histories, prints how they ended, and returns whether all kept the rules.
pub(crate) fn run(options: &Options) -> bool {
    match options.seed {
        Some(seed) => one(seed),
        None => many(options),
    }
}

#[test]
fn random_histories_with_faults_at_every_boundary_keep_the_rules() {
    assert!(run(&Options::default()), "the output names the seeds and the rules");
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Sums over all seeds.
#[derive(Default)]
struct Totals {
    seeds: u64,
    calls: u64,
    events: u64,
    requests: u64,
    injected: BTreeMap<Effect, u64>,
    trouble: BTreeMap<&'static str, u64>,
    failed: Vec<(u64, Vec<String>)>,
}

/// Plays one seed and prints everything that happened. A failure is made as small as possible.
fn one(seed: u64) -> bool {
    let runtime = runtime();
    let history = history::of_seed(seed);
    let played = runtime.block_on(play(&history, true));
    if played.violations.is_empty() {
        print(&history, &played);
        println!("seed {seed}: nothing is wrong, digest {:016x}", played.digest);
        return true;
    }
    let history = shrunk(&runtime, history, &played);
    let played = runtime.block_on(play(&history, true));
    print(&history, &played);
    println!("seed {seed}, made smaller: {:#?}", played.violations);
    false
}

fn print(history: &History, played: &Played) {
    println!("{}", trace::opening(history));
    for line in &played.trace {
        println!("{line}");
    }
}

/// The smallest history found that breaks the same rule.
fn shrunk(runtime: &Runtime, mut history: History, played: &Played) -> History {
    let rule = |violations: &[String]| {
        violations.first().and_then(|violation| violation.split(": ").nth(1).map(str::to_string))
    };
    let wanted = rule(&played.violations);
    let mut tries = 0;
    'again: loop {
        for smaller in history::smaller(&history) {
            tries += 1;
            if tries > SHRINKS_MAX {
                return history;
            }
            let played = runtime.block_on(play(&smaller, false));
            if rule(&played.violations) == wanted {
                history = smaller;
                continue 'again;
            }
        }
        return history;
    }
}

fn many(options: &Options) -> bool {
    let totals = Mutex::new(Totals::default());
    let next = AtomicU64::new(options.from);
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let until = options.minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    let end = options.from.saturating_add(options.seeds);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let runtime = runtime();
                while !is_over.load(Ordering::Relaxed) && until.is_none_or(|until| began.elapsed() < until) {
                    let seed = next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |seed| {
                        (seed < end).then(|| seed + 1)
                    });
                    let Ok(seed) = seed else { break };
                    let history = history::of_seed(seed);
                    let played = runtime.block_on(play(&history, false));
                    // Some are played twice: a seed must repeat its history to the byte.
                    let is_same = !seed.is_multiple_of(50)
                        || runtime.block_on(play(&history, false)).digest == played.digest;
                    let mut totals = totals.lock().expect("no thread panics with it");
                    totals.add(seed, played, is_same);
                    if totals.failed.len() >= options.failures_max {
                        is_over.store(true, Ordering::Relaxed);
                    }
                    if totals.seeds.is_multiple_of(100) && std::io::stderr().is_terminal() {
                        eprint!("\r{} seeds, {} failed ", totals.seeds, totals.failed.len());
                    }
                }
            });
        }
    });
    let mut totals = totals.into_inner().expect("no thread panics with it");
    totals.failed.sort();
    totals.tell(began.elapsed());
    let Some((seed, _)) = totals.failed.first() else { return true };
    println!("`cargo xtask simulate --seed {seed}` repeats the first one.");
    // A run that stops at the first failure, as for a deliberate bug, needs no details.
    if options.failures_max > 1 {
        one(*seed);
    }
    false
}

impl Totals {
    fn add(&mut self, seed: u64, played: Played, is_same: bool) {
        self.seeds += 1;
        self.calls += played.calls;
        self.events += played.events;
        self.requests += played.requests;
        for (effect, count) in played.injected {
            *self.injected.entry(effect).or_default() += count;
        }
        for (trouble, count) in played.trouble {
            *self.trouble.entry(trouble).or_default() += count;
        }
        let mut violations = played.violations;
        if !is_same {
            violations.push("repeat: the same seed went another way".to_string());
        }
        if !violations.is_empty() {
            eprintln!("seed {seed} breaks a rule: {}", violations.join("; "));
            self.failed.push((seed, violations));
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn tell(&self, took: Duration) {
        let rate = self.seeds as f64 / took.as_secs_f64();
        println!(
            "{} seeds, {} calls of the plugin, {} events, {} requests to Kisi; {rate:.0} seeds a second",
            self.seeds, self.calls, self.events, self.requests
        );
        let faults: Vec<String> =
            self.injected.iter().map(|(effect, count)| format!("{effect:?} {count}")).collect();
        println!("faults: {}", faults.join(", "));
        let troubles: Vec<String> =
            self.trouble.iter().map(|(trouble, count)| format!("{trouble} {count}")).collect();
        println!("trouble: {}", troubles.join(", "));
        println!("seeds with violations: {}", self.failed.len());
        for (seed, violations) in &self.failed {
            println!("  seed {seed}:");
            for violation in violations.iter().take(3) {
                println!("    {violation}");
            }
        }
    }
}
