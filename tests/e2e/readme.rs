//! The transcript of README.md, typed anew.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Client, Hub, Key, run, trials};

trials![the_transcript_of_the_readme_is_what_happens];

/// The first block of a console in README.md.
fn transcript() -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let (_, rest) = readme.split_once("```console\n").expect("a transcript");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// Each command with what it printed; the order of lines from two streams is chance.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut commands: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match (line.starts_with("# ") || line.starts_with("$ "), commands.last_mut()) {
            (false, Some((_, said))) => {
                said.push(line.to_owned());
                said.sort();
            }
            _ => commands.push((line.to_owned(), Vec::new())),
        }
    }
    commands
}

fn the_transcript_of_the_readme_is_what_happens() {
    let hub = Hub::new();
    let (key, stranger) = (Key::new("alice"), Key::new("stranger"));
    let client = Client::new(&hub, None, key.clone());
    fs::copy(key.public_file(), client.home.join("id_ed25519.pub")).expect("a copy");
    fs::copy(&stranger.file, client.home.join("id_stranger")).expect("a copy");
    // What the README leaves to the machine: the hub's configuration, and ssh's.
    let bin = client.home.join("bin");
    fs::create_dir(&bin).expect("a directory");
    for (program, command) in [
        ("hubgate", format!("{} --config {}", env!("CARGO_BIN_EXE_hubgate"), hub.config().display())),
        ("ssh", format!("/usr/bin/ssh -F {}", client.ssh_config().display())),
    ] {
        let file = bin.join(program);
        fs::write(&file, format!("#!/bin/sh\nexec {command} \"$@\"\n")).expect("a script");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a mode");
    }
    let transcript = transcript()
        .replace("git@hub.example", &client.at)
        .replace("hub.example", "hub.test")
        .replace("Example Hub", "Test Hub");
    let echo_and_run = |line: &str| format!("printf '%s\\n' '{}'\n{}\n", line.replace('\'', "'\\''"), &line[2..]);
    let typed: String = commands(&transcript).iter().map(|(line, _)| echo_and_run(line)).collect();
    let mut shell = client.command("sh");
    shell.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())).env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        shell.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
    }
    let outcome = run(shell.args(["-c", &format!("exec 2>&1\n{typed}")]));
    let said = [&key, &stranger].iter().fold(outcome.stdout(), |said, key| said.replace(&key.fingerprint, "SHA256:…"));
    assert_eq!(commands(&said), commands(&transcript), "{outcome}");
}
