//! The program: its output, its options, its errors.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kisi-sim"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// A running server, killed at the end of the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts the program and reads this many lines of its output.
fn started(arguments: &[&str], lines: usize) -> (Server, Vec<String>) {
    let mut server = Server(program(arguments).stdout(Stdio::piped()).spawn().unwrap());
    let output = BufReader::new(server.0.stdout.take().unwrap());
    let lines = output.lines().take(lines).map(Result::unwrap).collect();
    (server, lines)
}

fn get(address: &str, path: &str, key: &str) -> String {
    let mut stream = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: kisi\r\nconnection: close\r\nauthorization: KISI-LOGIN {key}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_prints_address_and_key_and_answers() {
    let (_server, lines) = started(&["--port", "0", "--time", "virtual"], 2);
    let address = lines[0].strip_prefix("address ").unwrap();
    let key = lines[1].strip_prefix("key ").unwrap();
    let answer = get(address, "/user", key);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("2026-10-01T10:00:00.000Z"), "{answer}");
}

#[test]
fn with_json_it_prints_one_line_and_it_serves_the_seed_without_a_rate_limit() {
    let seed = concat!(env!("CARGO_MANIFEST_DIR"), "/seeds/example.toml");
    let (_server, lines) = started(&["--json", "--unpaced", "--seed", seed], 1);
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    let (address, key) = (line["address"].as_str().unwrap(), line["key"].as_str().unwrap());
    for _ in 0..7 {
        let answer = get(address, "/organization", key);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Iron Temple"), "{answer}");
    }
}

#[test]
fn a_wrong_seed_exits_with_2_and_names_file_line_and_place() {
    let directory = tempfile::tempdir().unwrap();
    for (name, text, message) in [
        (
            "form.toml",
            "[[organizations]]\nnmae = 1\n",
            "form.toml: line 2: organizations[0].nmae: unknown field",
        ),
        ("form.json", "{\"organisations\": []}", "form.json: line 1: organisations: unknown field"),
        (
            "content.toml",
            "[[organizations]]\n[[organizations.keys]]\nuser = \"x\"\n",
            "content.toml: organizations[0].keys[0].user: there is no user `x`",
        ),
    ] {
        let file = directory.path().join(name);
        std::fs::write(&file, text).unwrap();
        let output = run(&["--seed", file.to_str().unwrap()]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.starts_with("kisi-sim: seed ") && said.contains(message), "{said}");
    }
    let output = run(&["--seed", "no such file"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("seed no such file cannot be read: ") && said.contains("--seed must be"), "{said}");
    assert_eq!(run(&["--wrong"]).status.code(), Some(2));
}

#[test]
fn a_taken_port_exits_with_1() {
    let (_server, lines) = started(&[], 2);
    let port = lines[0].rsplit(':').next().unwrap().to_owned();
    let output = run(&["--port", &port]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("can't listen on 127.0.0.1:") && said.contains("choose another --port"), "{said}");
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_it_with_0() {
    let (mut server, _) = started(&[], 2);
    let interrupted = Command::new("kill").args(["-INT", &server.0.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(server.0.wait().unwrap().code(), Some(0));
}

#[test]
fn the_help_shows_examples() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for expected in
        ["kisi-sim --port 8080 --seed crates/kisi-sim/seeds/example.toml", "--unpaced", "Exit codes:"]
    {
        assert!(help.contains(expected), "{help}");
    }
}
