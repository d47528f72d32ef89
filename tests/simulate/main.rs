//! Deterministic simulation: random but lawful histories of gyms on the real component and the real host, with faults
//! at every boundary, judged by the rules of the product. A seed is a history, and repeats it exactly.
//!
//! Run by `cargo xtask simulate`, and a bounded part of it with the tests.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a simulation that cannot go on says why"
)]

mod acts;
mod alone;
mod gym;
mod history;
mod honest;
mod judge;
mod reconcile;
mod rest;
mod seams;
mod stories;
mod told;
mod world;

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use door_access_host::{Engine, EngineConfig, Plugin};

use history::{Effect, History};
use world::{Played, play};

const SEEDS: u64 = 200;
const FAILURES_MAX: usize = 5;
const SHRINKS_MAX: usize = 3_000;

struct Options {
    seeds: u64,
    seed: Option<u64>,
    from: u64,
    minutes: Option<u64>,
    /// After how many histories that break a rule it is enough.
    failures_max: usize,
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { seeds: SEEDS, seed: None, from: 1, minutes: None, failures_max: FAILURES_MAX };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let value = arguments.next().ok_or(format!("{argument} needs a number"))?;
            value.parse::<u64>().map_err(|_| format!("{argument} needs a number and not {value}"))
        };
        match argument.as_str() {
            "--seeds" => options.seeds = number()?,
            "--seed" => options.seed = Some(number()?),
            "--from" => options.from = number()?,
            // Seeds begin in their order and end when they have begun, so the least that fails is the same each time.
            "--first" => options.failures_max = 1,
            "--minutes" => options.minutes = Some(number()?),
            // What `cargo test` hands to every test program.
            "--nocapture" | "--quiet" | "-q" | "--exact" => {}
            // A filter or another option of `cargo test`, which is about none of ours.
            _ => options.seeds = 0,
        }
    }
    Ok(options)
}

/// All that was done, over all seeds.
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

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(why) => {
            eprintln!("{why}\nOptions: --seeds N, --seed S, --from S, --minutes M, --first");
            return ExitCode::from(2);
        }
    };
    if options.seeds == 0 {
        return ExitCode::SUCCESS;
    }
    let plugin = plugin();
    match options.seed {
        Some(seed) => one(&plugin, seed),
        None => many(&plugin, &options),
    }
}

fn plugin() -> Plugin {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/component/kisi_plugin.wasm");
    let path =
        std::env::var_os("KISI_PLUGIN_COMPONENT").map_or_else(|| built.into(), std::path::PathBuf::from);
    let engine = Engine::new(EngineConfig::default()).expect("an engine");
    let loaded = runtime().block_on(engine.load_file(&path));
    loaded.expect("the component loads: build it with `cargo xtask build`")
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Plays one seed and tells everything that happened; a failure is made as small as it goes.
fn one(plugin: &Plugin, seed: u64) -> ExitCode {
    let runtime = runtime();
    let history = history::of_seed(seed);
    let played = runtime.block_on(play(plugin, &history, true));
    if played.violations.is_empty() {
        print(&history, &played);
        println!("seed {seed}: nothing is wrong, digest {:016x}", played.digest);
        return ExitCode::SUCCESS;
    }
    let history = shrunk(plugin, &runtime, history, &played);
    let played = runtime.block_on(play(plugin, &history, true));
    print(&history, &played);
    println!("seed {seed}, made smaller: {:#?}", played.violations);
    ExitCode::FAILURE
}

fn print(history: &History, played: &Played) {
    println!("{}", told::opening(history));
    for line in &played.trace {
        println!("{line}");
    }
}

/// The smallest history found that breaks the same rule.
fn shrunk(
    plugin: &Plugin,
    runtime: &tokio::runtime::Runtime,
    mut history: History,
    played: &Played,
) -> History {
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
            let played = runtime.block_on(play(plugin, &smaller, false));
            if rule(&played.violations) == wanted {
                history = smaller;
                continue 'again;
            }
        }
        return history;
    }
}

fn many(plugin: &Plugin, options: &Options) -> ExitCode {
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
                    let played = runtime.block_on(play(plugin, &history, false));
                    // Now and then it is played twice: a seed must repeat its history to the byte.
                    let is_same = !seed.is_multiple_of(50)
                        || runtime.block_on(play(plugin, &history, false)).digest == played.digest;
                    let mut totals = totals.lock().expect("nobody panics with it");
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
    let mut totals = totals.into_inner().expect("nobody panics with it");
    totals.failed.sort();
    totals.tell(began.elapsed());
    let Some((seed, _)) = totals.failed.first() else { return ExitCode::SUCCESS };
    println!("`cargo xtask simulate --seed {seed}` repeats the first one.");
    // Whoever stops at the first one wants to know that there is one, as the trial of the judge does.
    if options.failures_max > 1 {
        one(plugin, *seed);
    }
    ExitCode::FAILURE
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
