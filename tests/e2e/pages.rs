//! Runs the examples of the man pages. `UPDATE=1 cargo test --test e2e -- pages` writes their output to
//! `packaging/man/examples`, from which the pages are made.

use std::fmt::Write;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::{Client, Hub, Key, machine, run, trials};
use crate::programs::program;

trials![the_examples_of_the_pages_match_the_programs];

/// A command with its output, in the order of arrival.
type Typed = (String, Vec<String>);

fn the_examples_of_the_pages_match_the_programs() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/man/examples");
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).expect("the examples").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    assert!(files.len() >= 15, "{files:?}");
    let texts: Vec<String> = files.iter().map(|file| fs::read_to_string(file).expect("an example")).collect();
    // Several at a time: each has its own hub, and mostly waits for sshd.
    let happened: Vec<String> = texts
        .chunks(4)
        .flat_map(|texts| {
            std::thread::scope(|scope| {
                let replays: Vec<_> = texts.iter().map(|text| scope.spawn(|| replay(text))).collect();
                replays.into_iter().map(|replay| replay.join().expect("an example")).collect::<Vec<_>>()
            })
        })
        .collect();
    for ((file, text), happened) in files.iter().zip(&texts).zip(&happened) {
        if std::env::var_os("UPDATE").is_some() {
            fs::write(file, happened).expect("an example");
            continue;
        }
        let sorted = |text: &str| {
            let mut typed = typed(&settled(text));
            for (_, said) in &mut typed {
                said.sort();
            }
            typed
        };
        assert_eq!(sorted(happened), sorted(text), "{}", file.display());
    }
}

/// Runs the commands of an example on its own hub. Returns the example with the real output.
fn replay(example: &str) -> String {
    let hub = Hub::new();
    let client = stage(&hub);
    let local = |text: &str| text.replace("git@hub.example", &client.at);
    let mut script = String::from("exec 2>&1\n");
    for (line, _) in typed(example) {
        let command = line.get(2..).unwrap_or_default();
        let command = with_code(command);
        let _ = write!(script, "printf '%s\\n' '{}'\n{}\n", line.replace('\'', "'\\''"), local(&command));
    }
    let mut shell = client.command("sh");
    shell.env("PATH", format!("{}/bin:/usr/local/bin:/usr/bin:/bin", client.home.display()));
    shell.env("GIT_CONFIG_NOSYSTEM", "1").stdin(std::process::Stdio::null());
    let said = run(shell.args(["-c", &script])).stdout();
    let said = said
        .replace(&client.at, "git@hub.example")
        .replace("hub.test", "hub.example")
        .replace("Test Hub", "Example Hub");
    let said = said.replace(&*hub.dir.to_string_lossy(), "/var/lib/hubgate");
    // The prose stays before the command that follows it.
    let mut happened = typed(&settled(&said)).into_iter();
    let mut text = String::new();
    for line in example.lines() {
        if line.starts_with("% ") {
            let _ = writeln!(text, "{line}");
        } else if is_command(line) {
            let (command, said) = happened.next().unwrap_or_default();
            assert_eq!(command, settled(line).trim_end(), "{said:?}");
            let _ = writeln!(text, "{line}");
            text.extend(said.into_iter().map(|line| line + "\n"));
        }
    }
    text
}

/// A command as the test runs it. Codes are random, so the wrapper of hubgate keeps the last code.
pub(crate) fn with_code(command: &str) -> String {
    match command.rsplit_once(" join ") {
        Some((before, _)) => format!("{before} join \"$(cat .code)\""),
        None => command.to_owned(),
    }
}

/// A script that runs hubgate with the hub's configuration.
pub(crate) fn wrapper(hub: &Hub) -> String {
    let hubgate = format!("{} --config {}", program("hubgate").display(), hub.config().display());
    format!(
        "command='{hubgate}'; [ \"$1\" = invite ] || exec $command \"$@\"\n\
         out=$($command \"$@\"); status=$?; printf '%s\\n' \"$out\"; printf '%s\\n' \"$out\" | head -n 1 >.code; exit $status"
    )
}

/// The start of each example: alice with a key and an organization, bob without a key, and some files.
fn stage(hub: &Hub) -> Client {
    let alice = hub.user("alice");
    hub.did(&["user", "add", "bob"]);
    hub.did(&["org", "add", "acme", "--admin", "alice"]);
    hub.repo("acme/x", &["--private"]);
    let home = &alice.home;
    let keys = [("id_ed25519", alice.key.clone()), ("id_bob", Key::new("bob@laptop")), ("id_new", Key::new("new"))];
    for (name, key) in &keys {
        fs::copy(&key.file, home.join(name)).expect("a key");
        fs::copy(key.public_file(), home.join(format!("{name}.pub"))).expect("a key");
    }
    let bin = home.join("bin");
    fs::create_dir(&bin).expect("a directory");
    for (program, script) in
        [("hubgate", wrapper(hub)), ("ssh", format!("exec /usr/bin/ssh -F {} \"$@\"", alice.ssh_config().display()))]
    {
        let file = bin.join(program);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("a mode");
    }
    alice.write("policy", "alice push acme/x = allow\nbob push acme/x = deny\nanonymous fetch acme/x = deny\n");
    alice.write(
        "hub.toml",
        "[organizations.acme]\nmembers = { alice = \"admin\", bob = \"write\" }\n[repositories.\"acme/x\"]\n\
         rules = [\"deny force,delete refs/heads/main @everyone\"]\n",
    );
    alice.write(
        "old.toml",
        "[organizations.initech]\nmembers = { dora = \"admin\", alice = \"read\" }\n\
         [repositories.\"datasets/initech/reports\"]\nvisibility = \"internal\"\ncollaborators = { bob = \"write\" }\n",
    );
    let line = |name: &str| Key::new(name).line;
    alice.write(
        "authorized_keys",
        format!(
            "command=\"/home/git/bin/gitolite-shell dora\",restrict {}\n\
             command=\"/usr/bin/gitea serv key-2\",restrict {}\ncommand=\"/usr/bin/backup\" {}\n",
            line("dora@desk"),
            line("bob@desk"),
            line("backup")
        ),
    );
    alice.write("map", "key-2 bob\n");
    for directory in ["gitolite-admin/conf", "gitolite-admin/keydir"] {
        fs::create_dir_all(home.join(directory)).expect("a directory");
    }
    alice.write(
        "gitolite-admin/conf/gitolite.conf",
        "@staff = alice dora\n\nrepo testing\n    -   master  = dora\n    RW+     = @staff\n    R       = @all erik\n",
    );
    alice.write("gitolite-admin/keydir/dora.pub", line("dora@desk"));
    run(Command::new("cp").arg("-r").arg(machine().dir.join("seed/sha1")).arg(home.join("old.git"))).succeeded();
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(home.join("old.git"))).succeeded();
    alice
}

fn is_command(line: &str) -> bool {
    line.starts_with("# ") || line.starts_with("$ ")
}

/// The commands of an example with their outputs.
fn typed(text: &str) -> Vec<Typed> {
    let mut commands: Vec<Typed> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("% ")) {
        match (is_command(line), commands.last_mut()) {
            (false, Some((_, said))) => said.push(line.to_owned()),
            _ => commands.push((line.to_owned(), Vec::new())),
        }
    }
    commands
}

/// A text in which random parts are replaced by fixed ones.
pub(crate) fn settled(text: &str) -> String {
    let mut settled = String::new();
    for line in text.lines() {
        let words: Vec<String> = line.split(' ').map(settled_word).collect();
        let mut line = words.join(" ");
        // The widths of columns depend on the random parts.
        while line.contains("   ") {
            line = line.replace("   ", "  ");
        }
        settled += line.replace("3000-01-01 12:00", "3000-01-01 00:00").trim_end();
        settled.push('\n');
    }
    settled
}

fn settled_word(word: &str) -> String {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    if let Some((before, after)) = word.split_once("SHA256:") {
        let rest: String = after.chars().skip_while(|c| c.is_ascii_alphanumeric() || "+/…".contains(*c)).collect();
        return format!("{before}SHA256:…{rest}");
    }
    if word.starts_with("AAAA") {
        return "AAAA…".to_owned();
    }
    match shape.as_str() {
        "0000-00-00" if !word.starts_with("2999") && !word.starts_with("3000") => "2027-01-31".to_owned(),
        "00:00" | "00:00," => shape.replace("00:00", "12:00"),
        _ => match (word.get(..word.len().saturating_sub(18)), shape.ends_with("0000-00-00T000000Z")) {
            (Some(before), true) => format!("{before}2027-01-31T120000Z"),
            _ => settled_hex(word),
        },
    }
}

/// Hexadecimal ids, anywhere in a word.
fn settled_hex(word: &str) -> String {
    // The first level of the repositories' directories.
    let word = match word.split_once("/repositories/") {
        Some((before, after)) => format!("{before}/repositories/7f{}", after.get(2..).unwrap_or_default()),
        None => word.to_owned(),
    };
    let (mut settled, mut run) = (String::new(), String::new());
    for c in word.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() && !c.is_ascii_uppercase() {
            run.push(c);
            continue;
        }
        settled += match run.len() {
            16 => "7f3a9c2b1d8e4f60",
            30 => "3a9c2b1d8e4f607f3a9c2b1d8e4f60",
            32 => "0123456789abcdef0123456789abcdef",
            _ => &run,
        };
        run.clear();
        settled.push(c);
    }
    settled.trim_end_matches('\n').to_owned()
}
