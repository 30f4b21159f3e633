//! What lists and single questions cost on a large hub: time and memory. benches/README.md says how to read it.
//!
//! Run as root by `cargo bench --bench lists`. Nothing here fails for being slow: only for answering wrongly. All that
//! it makes (accounts, files) goes when it ends, also when it fails or is interrupted.

#![expect(clippy::print_stdout, reason = "the tables are for the person who runs it")]

mod fill;
mod peak;
#[path = "../shared/mod.rs"]
mod shared;

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use peak::Peak;
use shared::accounts::Accounts;
use shared::hub::{Hub, USER};
use shared::place::Place;
use shared::samples::{Samples, print_table};
use shared::{Outcome, hub, interrupt, keys, parts};

/// How often a question about one thing is asked.
const ROUNDS: usize = 9;

/// The operator's lists.
const LISTS: [&str; 11] = [
    "user list",
    "user list --json",
    "user list --limit 1000",
    "key list",
    "key list --json",
    "key list --expiring 14d",
    "key list --match user-00000007",
    "repo list",
    "repo list --json",
    "export",
    "audit --since 2000-01-01",
];

fn main() -> ExitCode {
    parts::run("lists", &["lists", "one", "ssh"], measure)
}

/// Measures the parts that are wanted.
fn measure(is_wanted: &dyn Fn(&str) -> bool, programs: &Path) -> Outcome {
    let accounts: u64 = std::env::var("ACCOUNTS").ok().map_or(Ok(100_000), |text| text.parse())?;
    let place = Place::make()?;
    let logins = Accounts::make(&place)?;
    let hub = Hub::make(&place, &logins, programs)?;
    let made = fill::fill(&hub, accounts)?;
    println!("{accounts} accounts: {} MB, made in {:.0} s", made.bytes / 1_000_000, made.seconds);
    let hubgate = |words: &str| {
        let mut command = Command::new(programs.join("hubgate"));
        command.arg("--config").arg(&hub.config).args(words.split(' ')).current_dir("/");
        command
    };
    if is_wanted("lists") {
        let rows = LISTS.iter().map(|words| one_row(words, &|| hubgate(words), 1, 0)).collect::<Outcome<Vec<_>>>()?;
        print(&format!("## Lists of {accounts} accounts, to a pipe (one run each)"), &rows);
    }
    if is_wanted("one") {
        let fingerprint = fill::fingerprint(7).to_string();
        let user = fill::user(7);
        let questions = [
            (format!("user show {user}"), 0),
            (format!("key show {fingerprint}"), 0),
            (format!("key list {user}"), 0),
            (format!("repo list {user}"), 0),
            (format!("repo path {user}/model"), 0),
            (format!("audit --since 2000-01-01 --user {user}"), 0),
            (format!("audit --since 2000-01-01 --repo {user}/model"), 0),
            (format!("audit --since 2000-01-01 --key {fingerprint}"), 0),
            // Its directory does not exist, so that each run finds the repository and refuses.
            (format!("repo restore {user}/removed"), 1),
            (format!("user disable {user} --reason away"), 0),
        ];
        let rows = questions.iter().map(|(words, status)| one_row(words, &|| hubgate(words), ROUNDS, *status));
        print(
            &format!("## One thing among {accounts} accounts ({ROUNDS} runs each)"),
            &rows.collect::<Outcome<Vec<_>>>()?,
        );
    }
    if is_wanted("ssh") {
        let over_ssh = |words: &str| {
            let mut command = Command::new(hub.libexec.join("gateway"));
            command.env_clear().current_dir("/").uid(hub.login.uid).gid(hub.login.gid);
            command.args(hub.gateway_arguments(USER, &hub.known)).env("SSH_ORIGINAL_COMMAND", words);
            command.env("SSH_CONNECTION", "127.0.0.1 50000 127.0.0.1 22");
            command
        };
        let commands = ["repo list", "repo list big", "repo list hidden", "repo list big --json", "key list"];
        let rows =
            commands.iter().map(|words| one_row(words, &|| over_ssh(words), ROUNDS, 0)).collect::<Outcome<Vec<_>>>()?;
        let title = format!(
            "## Over SSH ({ROUNDS} runs each): {} public repositories of big, {} private ones of hidden",
            fill::OF_BIG,
            fill::OF_HIDDEN
        );
        print(&title, &rows);
    }
    Ok(())
}

/// Runs a command several times.
fn one_row(words: &str, command: &dyn Fn() -> Command, rounds: usize, status: i32) -> Outcome<Vec<String>> {
    let (mut seconds, mut peak) = (Samples::default(), 0.0_f64);
    let mut bytes = 0;
    for _ in 0..rounds {
        interrupt::check()?;
        let ran = Peak::of(command())?;
        if ran.status != Some(status) {
            return Err(format!("{words}: {:?}: {}", ran.status, ran.said).into());
        }
        seconds.push(ran.seconds);
        peak = peak.max(ran.memory);
        bytes = ran.bytes;
    }
    let time = seconds.median();
    let time = if time < 1.0 { format!("{:.0} ms", time * 1e3) } else { format!("{time:.1} s") };
    Ok(vec![
        words.to_owned(),
        time,
        format!("{:.1}", peak / 1e6),
        format!("{}.{}", bytes / 1_000_000, bytes / 100_000 % 10),
    ])
}

fn print(title: &str, rows: &[Vec<String>]) {
    print_table(title, &["command", "time", "peak MB", "output MB"], rows);
}
