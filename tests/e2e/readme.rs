//! Runs the transcripts of README.md.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::harness::{Client, Hub, Key, Setup, machine, run, trials};
use crate::pages::{settled, with_code, wrapper};

trials![
    the_transcript_of_the_readme_matches_the_programs,
    the_transcripts_of_anonymous_modes_match_the_programs,
    the_transcript_of_large_files_matches_the_programs,
];

/// A console block of README.md, with this hub's names.
fn transcript(number: usize, client: &Client) -> String {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md");
    let block = readme.split("```console\n").nth(number).expect("a transcript");
    let (block, _) = block.split_once("```").expect("its end");
    let block = block.replace("git@hub.example", &client.at).replace("Example Hub", "Test Hub");
    let nobody = format!("{}@hub.test", machine().anonymous_login);
    block.replace("anonymous@hub.example", &nobody).replace("hub.example", "hub.test")
}

/// Each command with its output; lines from two streams are compared in any order.
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

/// Runs a transcript's commands in the client's home and compares their output. Names in `keys` are removed.
#[track_caller]
fn happens(hub: &Hub, client: &Client, transcript: &str, keys: &[&Key]) {
    // The configuration of the hub and of ssh, which the README leaves to the machine.
    let bin = client.home.join("bin");
    fs::create_dir(&bin).expect("a directory");
    for (program, command) in
        [("hubgate", wrapper(hub)), ("ssh", format!("exec /usr/bin/ssh -F {} \"$@\"", client.ssh_config().display()))]
    {
        let file = bin.join(program);
        fs::write(&file, format!("#!/bin/sh\n{command}\n")).expect("a script");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a mode");
    }
    let echo_and_run =
        |line: &str| format!("printf '%s\\n' '{}'\n{}\n", line.replace('\'', "'\\''"), with_code(&line[2..]));
    let typed: String = commands(transcript).iter().map(|(line, _)| echo_and_run(line)).collect();
    let mut shell = client.command("sh");
    shell.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())).env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        shell.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
    }
    let outcome = run(shell.args(["-c", &format!("exec 2>&1\n{typed}")]));
    // In a test, the hub is at an address, which ssh names in its refusal.
    let mut said = outcome.stdout().replace("@127.0.0.1: ", "@hub.test: ");
    for key in keys {
        said = said.replace(&key.fingerprint, "SHA256:…");
    }
    // The id of a lock is random.
    while let Some(at) = said.find("ID:").filter(|at| said.is_char_boundary(at + 35)) {
        said.replace_range(at + 2..at + 35, "\u{0}…");
    }
    // git-lfs shows its progress if it takes long.
    let progress = |line: &&str| !line.starts_with("Uploading LFS objects") && !line.starts_with("Downloading LFS");
    let said: String = said.replace('\0', ":").lines().filter(progress).map(|line| format!("{line}\n")).collect();
    assert_eq!(commands(&settled(&said)), commands(&settled(transcript)), "{outcome}");
}

fn the_transcript_of_the_readme_matches_the_programs() {
    let hub = Hub::new();
    let (key, stranger) = (Key::new("alice"), Key::new("stranger"));
    let client = Client::new(&hub, None, key.clone());
    fs::copy(key.public_file(), client.home.join("id_ed25519.pub")).expect("a copy");
    fs::copy(&stranger.file, client.home.join("id_stranger")).expect("a copy");
    happens(&hub, &client, &transcript(1, &client), &[&key, &stranger]);
}

fn the_transcripts_of_anonymous_modes_match_the_programs() {
    for (number, anonymous) in [(2, "login"), (3, "fallback")] {
        let hub = Hub::with(&Setup { anonymous, gateway_is_shell: true, ..Setup::default() });
        let (alice, stranger) = (hub.user("alice"), hub.stranger());
        fs::copy(&stranger.key.file, stranger.home.join("id_stranger")).expect("a copy");
        fs::copy(&alice.key.file, stranger.home.join("id_ed25519")).expect("a copy");
        happens(&hub, &stranger, &transcript(number, &stranger), &[&stranger.key]);
    }
}

fn the_transcript_of_large_files_matches_the_programs() {
    let hub = Hub::new();
    let alice = hub.user("alice");
    hub.empty_repo("alice/mini", &["--private"]);
    happens(&hub, &alice, &transcript(4, &alice), &[]);
}
