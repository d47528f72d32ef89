//! The desk of a gym owner: the `harness` command line run from outside, in this process.
//!
//! [`Desk`] plays scenarios. [`Installation`] has members in files, an installation in a folder, and a simulator at a real
//! address.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::Router;
use door_access_testkit::{compiled, component_path};
use host_harness::{Live, Streams};
use kisi_sim::{ClockMode, Seed, Simulator};
use tempfile::TempDir;

pub(crate) const OWNER_KEY: &str = "the-owner-s-key-0001";
pub(crate) const OTHER_KEY: &str = "another-key-of-hers-0002";
pub(crate) const MEMBER_KEY: &str = "a-member-s-key-0002";

/// What no output may contain.
const SECRETS: [&str; 5] = [OWNER_KEY, OTHER_KEY, MEMBER_KEY, "sim-key-", "wrong-key-wrong"];

/// A scenario that plays as expected.
pub(crate) const SCENARIO: &str = include_str!("../../../../scenarios/membership-frozen.toml");

const PLANS: &str = "id,name\nbasic,Basic\ngold,Gold\n";
pub(crate) const MEMBERS: &str = "\
member_id,name,email,membership_id,plan,status,last_day
1,Ann Lee,ann@example.test,ms-1,basic,active,
2,Bo Kim,bo@example.test,ms-2,gold,active,
3,Cy Park,cy@example.test,ms-3,basic,frozen,
4,Di Ray,,ms-4,basic,active,
";

/// Rows of members `FIRST` to `LAST` with the plan `basic`, for the file of [`MEMBERS`].
pub(crate) fn rows(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| format!("{n},Member {n},m{n}@example.test,ms-{n},basic,active,\n")).collect()
}

/// What the program did.
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// What it printed, with single blanks.
    pub(crate) fn words(&self) -> String {
        self.out.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The one document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    #[track_caller]
    pub(crate) fn ends(self, code: u8) -> Ran {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    #[track_caller]
    pub(crate) fn says(self, needles: &[&str]) -> Ran {
        let words = self.words();
        for needle in needles {
            assert!(words.contains(needle), "{needle:?} is missing in\n{}{}", self.out, self.err);
        }
        self
    }

    #[track_caller]
    pub(crate) fn complains(self, needle: &str) -> Ran {
        assert!(self.err.contains(needle), "{needle:?} is missing in\n{}", self.err);
        self
    }

    /// Refused before anything was printed.
    #[track_caller]
    pub(crate) fn refused(self, needle: &str) -> Ran {
        assert_eq!((self.code, self.out.as_str()), (2, ""), "{}", self.err);
        self.complains(needle)
    }
}

/// Runs `harness`. No output contains a key.
fn run(arguments: impl IntoIterator<Item = OsString>, live: &Live) -> Ran {
    let arguments = std::iter::once("harness".into()).chain(arguments);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = host_harness::run(arguments, Streams { out: &mut out, err: &mut err, colour: false }, live);
    let ran = Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() };
    for text in [&ran.out, &ran.err] {
        for secret in SECRETS {
            assert!(!text.contains(secret), "a key is printed:\n{text}");
        }
    }
    ran
}

/// A pipe that is closed after this many lines.
pub(crate) struct Pipe {
    pub(crate) lines_left: usize,
}

impl std::io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        self.lines_left = self.lines_left.checked_sub(lines).ok_or(std::io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A folder for the files of a test.
pub(crate) struct Desk {
    pub(crate) folder: TempDir,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        run(arguments.iter().map(OsString::from), &Live::default())
    }

    /// Plays a scenario, given as text.
    pub(crate) fn play(&self, scenario: &str, more: &[&str]) -> Ran {
        self.play_file(&self.file("scenario.toml", scenario), more)
    }

    pub(crate) fn play_file(&self, scenario: &Path, more: &[&str]) -> Ran {
        let component = component_path();
        let [scenario, component, cache] =
            [scenario, &component, compiled()].map(|path| path.to_str().unwrap());
        self.run(&[&["run", scenario, "--component", component, "--cache", cache], more].concat())
    }
}

/// A server on this machine, in a thread of its own that ends with the test program.
pub(crate) fn serve(simulator: &Simulator, router: Option<Router>) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    let simulator = simulator.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let address = SocketAddr::from(([127, 0, 0, 1], 0));
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            match router {
                Some(router) => axum::serve(listener, router).await.unwrap(),
                None => kisi_sim::serve(listener, simulator).await.unwrap(),
            }
        });
    });
    format!("http://{}", receiver.recv().unwrap())
}

/// A gym that uses `harness`: members in files, a folder for the installation, and a Kisi.
pub(crate) struct Installation {
    pub(crate) desk: Desk,
    pub(crate) sim: Simulator,
    pub(crate) address: String,
}

impl Installation {
    /// A gym that was never connected.
    pub(crate) fn new() -> Installation {
        Installation::with(&format!(
            r#"
            [knobs]
            rate_limit = false
            [[organizations]]
            name = "Box 42"
            locks = [{{ name = "Front door" }}]
            groups = [{{ name = "Entrance", locks = ["Front door"] }}, {{ name = "Spa" }}]
            users = [{{ name = "Olga", email = "olga@box.test", role = "owner" }}]
            keys = [
                {{ user = "olga@box.test", secret = "{OWNER_KEY}" }},
                {{ user = "olga@box.test", secret = "{OTHER_KEY}" }},
            ]
            "#
        ))
    }

    /// A gym with this Kisi, in which [`OWNER_KEY`] is a key.
    pub(crate) fn with(seed: &str) -> Installation {
        let sim = Simulator::with_clock(Seed::from_toml(seed).unwrap(), ClockMode::System).unwrap();
        let gym = Installation { desk: Desk::new(), address: serve(&sim, None), sim };
        gym.file("key.txt", OWNER_KEY);
        gym.file("members.csv", MEMBERS);
        gym.file("plans.csv", PLANS);
        gym
    }

    /// A gym that is connected and has a mapping.
    pub(crate) fn mapped() -> Installation {
        let gym = Installation::new();
        gym.connect(&[]).ends(0);
        gym.run(&["map", "Basic", "Entrance"]).ends(0);
        gym.run(&["map", "Gold", "Spa"]).ends(0);
        gym
    }

    /// The same gym after a sync: Ann is in the entrance and Bo in the spa.
    pub(crate) fn synced() -> Installation {
        let gym = Installation::mapped();
        gym.run(&["sync"]).ends(0);
        gym
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.desk.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        self.desk.file(name, content)
    }

    /// Changes the members' file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("members.csv")).unwrap();
        assert!(text.contains(from), "{from}");
        self.file("members.csv", &text.replace(from, to));
    }

    /// Adds rows to the members' file.
    pub(crate) fn add(&self, rows: &str) {
        let text = fs::read_to_string(self.path("members.csv")).unwrap();
        self.file("members.csv", &format!("{text}{rows}"));
    }

    pub(crate) fn connect(&self, more: &[&str]) -> Ran {
        let (key, members, component) = (self.path("key.txt"), self.desk.folder.path(), component_path());
        let [key, members, component] = [&key, members, &component].map(|path| path.to_str().unwrap());
        let arguments = [
            &["connect", "--kisi", &self.address, "--unpaced", "--contact", "me@box.test"][..],
            &["--key-file", key, "--members", members, "--component", component],
            more,
        ];
        self.run(&arguments.concat())
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_live(arguments, &Live::default())
    }

    /// The arguments with the installation's folder, and the environment.
    fn prepared(&self, arguments: &[&str], live: &Live) -> (Vec<OsString>, Live) {
        let state = ["--state".into(), self.path("state").into_os_string()];
        let mut live = live.clone();
        // The user's own configuration is not touched.
        live.surroundings.config.get_or_insert_with(|| self.path("config"));
        live.surroundings.compiled = Some(compiled().to_owned());
        (arguments.iter().map(OsString::from).chain(state).collect(), live)
    }

    /// Runs `harness`, whose reader closes the output after this many lines. Returns the exit code.
    pub(crate) fn run_closed(&self, arguments: &[&str], lines_left: usize) -> u8 {
        let (arguments, live) = self.prepared(arguments, &Live::default());
        let (mut out, mut err) = (Pipe { lines_left }, Vec::new());
        let arguments = std::iter::once("harness".into()).chain(arguments);
        host_harness::run(arguments, Streams { out: &mut out, err: &mut err, colour: false }, &live)
    }

    /// Runs `harness` on this installation. Output is at most 100 characters wide.
    pub(crate) fn run_live(&self, arguments: &[&str], live: &Live) -> Ran {
        let (arguments, live) = self.prepared(arguments, live);
        let ran = run(arguments, &live);
        // A word that is longer than a line is not broken.
        let is_long = |word: &str| word.chars().count() > 50;
        let fits = |line: &str| {
            line.chars().count() <= 100 || line.starts_with('{') || line.split_whitespace().any(is_long)
        };
        assert!(ran.out.lines().all(fits), "{}", ran.out);
        ran
    }

    /// The addresses of a group in Kisi.
    pub(crate) fn in_group(&self, name: &str) -> Vec<String> {
        let state = self.sim.state();
        let rows = state.role_assignments_in(state.group_by_name(name).unwrap().id);
        let email = |id: u64| state.users.iter().find(|user| user.id == id).map(|user| user.email.clone());
        let mut held: Vec<String> = rows.filter_map(|row| email(row.assignee_id)).collect();
        held.sort();
        held
    }

    /// How many requests changed something.
    pub(crate) fn writes(&self) -> usize {
        self.sim.journal().iter().filter(|entry| entry.method != "GET").count()
    }
}
