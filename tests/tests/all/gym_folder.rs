//! A gym that uses `harness` from outside: an installation in a folder, members in files, and a simulator behind a real
//! address.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use host_harness::{Live, Streams};
use kisi_sim::{Seed, Simulator};

use crate::command_line::serve;
use crate::world::{compiled, component_path};

pub(crate) const KEY: &str = "the-owner-s-key-0001";
pub(crate) const OTHER_KEY: &str = "another-key-of-hers-0002";

const PLANS: &str = "id,name\nbasic,Basic\ngold,Gold\n";
pub(crate) const MEMBERS: &str = "\
member_id,name,email,membership_id,plan,status,last_day
1,Ann Lee,ann@example.test,ms-1,basic,active,
2,Bo Kim,bo@example.test,ms-2,gold,active,
3,Cy Park,cy@example.test,ms-3,basic,frozen,
4,Di Ray,,ms-4,basic,active,
";

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
}

/// A gym owner's desk: members in files, a folder for the installation, and a Kisi.
pub(crate) struct Gym {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) sim: Simulator,
    pub(crate) address: String,
}

impl Gym {
    /// A gym that was never connected.
    pub(crate) fn new() -> Gym {
        let key = |secret: &str| {
            format!("[[organizations.keys]]\nuser = \"olga@box.test\"\nsecret = \"{secret}\"\n")
        };
        Gym::with(&format!(
            "[knobs]\nrate_limit = false\n\n[[organizations]]\nname = \"Box 42\"\n\n\
             [[organizations.locks]]\nname = \"Front door\"\n\n\
             [[organizations.groups]]\nname = \"Entrance\"\nlocks = [\"Front door\"]\n\n\
             [[organizations.groups]]\nname = \"Spa\"\n\n\
             [[organizations.users]]\nname = \"Olga\"\nemail = \"olga@box.test\"\nrole = \"owner\"\n\n{}{}",
            key(KEY),
            key(OTHER_KEY),
        ))
    }

    /// A gym with this Kisi. Its key is the one that the simulator makes, unless the seed has one.
    pub(crate) fn with(seed: &str) -> Gym {
        let folder = tempfile::tempdir().unwrap();
        let sim = Simulator::with_clock(Seed::from_toml(seed).unwrap(), kisi_sim::ClockMode::System).unwrap();
        let address = serve(&sim, None);
        let gym = Gym { folder, sim, address };
        gym.file("key.txt", KEY);
        gym.file("members.csv", MEMBERS);
        gym.file("plans.csv", PLANS);
        gym
    }

    /// A gym that is connected, with a mapping.
    pub(crate) fn mapped() -> Gym {
        let gym = Gym::new();
        gym.connect(&[]).ends(0);
        gym.run(&["map", "Basic", "Entrance"]).ends(0);
        gym.run(&["map", "Gold", "Spa"]).ends(0);
        gym
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    /// Changes the members' file.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("members.csv")).unwrap();
        assert!(text.contains(from), "{from}");
        self.file("members.csv", &text.replace(from, to));
    }

    pub(crate) fn connect(&self, more: &[&str]) -> Ran {
        let (key, members, component) = (self.path("key.txt"), self.folder.path(), component_path());
        let mut arguments = vec!["connect", "--kisi", &self.address, "--unpaced", "--contact", "me@box.test"];
        arguments.extend(["--key-file", key.to_str().unwrap(), "--members", members.to_str().unwrap()]);
        arguments.extend(["--component", component.to_str().unwrap()]);
        arguments.extend(more);
        self.run(&arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_live(arguments, &Live::default())
    }

    /// Runs `harness` on this installation. No output ever contains a key.
    pub(crate) fn run_live(&self, arguments: &[&str], live: &Live) -> Ran {
        let state = self.path("state");
        seed_cache(&state);
        let arguments = ["harness"].iter().chain(arguments).copied().map(OsString::from);
        let arguments = arguments.chain(["--state".into(), state.into_os_string()]);
        let mut live = live.clone();
        // Nobody's home is touched.
        live.surroundings.config.get_or_insert_with(|| self.path("config"));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code =
            host_harness::run(arguments, Streams { out: &mut out, err: &mut err, colour: false }, &live);
        let ran = Ran { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() };
        for text in [&ran.out, &ran.err] {
            for key in [KEY, OTHER_KEY, "sim-key-"] {
                assert!(!text.contains(key), "a key is printed:\n{text}");
            }
        }
        // A word that is longer than a line stands as it is.
        let is_long = |word: &str| word.chars().count() > 50;
        let fits = |line: &str| {
            line.chars().count() <= 100 || line.starts_with('{') || line.split_whitespace().any(is_long)
        };
        assert!(ran.out.lines().all(fits), "{}", ran.out);
        keep_cache(&self.path("state"));
        ran
    }

    /// Whom Kisi lets into a group, by address.
    pub(crate) fn in_group(&self, name: &str) -> Vec<String> {
        let state = self.sim.state();
        let group = state.group_by_name(name).unwrap().id;
        let mut held: Vec<String> = state
            .role_assignments_in(group)
            .filter_map(|held| state.users.iter().find(|user| user.id == held.assignee_id))
            .map(|user| user.email.clone())
            .collect();
        held.sort();
        held
    }

    pub(crate) fn writes(&self) -> usize {
        self.sim.journal().iter().filter(|entry| entry.method != "GET").count()
    }
}

/// Each installation has a cache of its own.
fn seed_cache(state: &Path) {
    copy(compiled(), &state.join("compiled"));
}

fn keep_cache(state: &Path) {
    copy(&state.join("compiled"), compiled());
}

fn copy(from: &Path, to: &Path) {
    let Ok(entries) = fs::read_dir(from) else { return };
    if !to.parent().is_some_and(Path::exists) {
        return;
    }
    for entry in entries.flatten() {
        fs::create_dir_all(to).unwrap();
        let target = to.join(entry.file_name());
        if !target.exists() {
            let partial =
                to.join(format!("partial-{}-{:?}", std::process::id(), std::thread::current().id()));
            fs::copy(entry.path(), &partial).unwrap();
            fs::rename(partial, target).unwrap();
        }
    }
}
