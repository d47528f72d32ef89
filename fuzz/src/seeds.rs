//! Writes the inputs that the fuzzer begins with, one folder for each target: what a simulated Kisi answers to each call,
//! the records in storage, and the scenarios and files of this repository.
//!
//! The folder is `fuzz/corpus`, where cargo-fuzz finds them, or the one that is given as an argument.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use door_access_fuzz::calls::{self, CALLS};
use door_access_fuzz::gym::{SETTINGS, connected, stored};
use door_access_fuzz::script::{SEPARATOR, written};

const HEADERS: [&str; 9] = [
    "0-249/2",
    "*/0",
    "250-499/300",
    "7",
    "Thu, 26 Nov 2026 16:00:00 GMT",
    "https://api.kisi.io",
    "http://127.0.0.1:8080",
    "https://[::1]:443",
    "v1:0123456789abcdef:AAAAAAAAAAAAAAAA:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
];
/// How much of a long file is used.
const FILE_LINES: usize = 12;

fn main() -> io::Result<()> {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR"));
    let into = std::env::args_os().nth(1).map_or_else(|| fuzz.join("corpus"), PathBuf::from);
    let root = fuzz.join("..");
    for (number, (name, _)) in (0_u8..).zip(CALLS) {
        let name = name.replace(' ', "-");
        let gym = connected(Vec::new());
        calls::play(&gym, number);
        let answers: Vec<Vec<u8>> = gym.answers.borrow().iter().flatten().map(written).collect();
        write(&into, "kisi_answers", &name, [&[number][..], &answers.join(SEPARATOR)].concat())?;
        write(&into, "kisi_answers", &format!("{name}-broken"), [&[number][..], &broken()].concat())?;
    }
    for (record, (_, value)) in (0_u8..).zip(stored(&connected(Vec::new()))) {
        for number in [3, 6, 7] {
            write(
                &into,
                "storage_records",
                &format!("{record}-{number}"),
                [&[number, record], &value[..]].concat(),
            )?;
        }
    }
    write(&into, "settings", "full", SETTINGS.into())?;
    for (number, header) in HEADERS.iter().enumerate() {
        write(&into, "headers", &number.to_string(), (*header).into())?;
    }
    for file in fs::read_dir(root.join("scenarios"))? {
        let path = file?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            write(&into, "scenario", &name, fs::read(&path)?)?;
        }
    }
    let gym = root.join("examples/gym-300");
    let beginning = |name: &str| -> io::Result<String> {
        let text = fs::read_to_string(gym.join(name))?;
        Ok(text.lines().take(FILE_LINES).map(|line| format!("{line}\n")).collect())
    };
    let files = [beginning("plans.csv")?.into_bytes(), beginning("members.csv")?.into_bytes()];
    write(&into, "gym_files", "gym-300", files.join(SEPARATOR))
}

/// A script with one answer of each kind of failure.
fn broken() -> Vec<u8> {
    let parts: [&[u8]; 8] = [
        b"~",
        b"lost",
        b"429 - 2\n{\"error\":\"slow\",\"code\":\"a\"}",
        b"500\n<html>",
        b"200 0-9/20\n[]",
        b"404\n{\"error\":\"The record could not be found\",\"code\":\"b\"}",
        b"422\n{\"errors\":{\"email\":[\"is taken\"]}}",
        b"down",
    ];
    parts.join(SEPARATOR)
}

fn write(into: &Path, target: &str, name: &str, seed: Vec<u8>) -> io::Result<()> {
    let folder = into.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), seed)
}
