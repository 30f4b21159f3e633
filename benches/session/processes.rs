//! Part one: the two small programs as whole processes, from before they start until they are gone.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use super::accounts::{Accounts, Ids};
use super::hub::{Hub, Key, REPOSITORY, USER};
use super::place::Place;
use super::samples::{Random, Samples, print_table, ratio};
use super::spawner::{Job, Spawner};
use super::{Outcome, instructions, interrupt};

const RUNS: usize = 500;
/// Before those, so that every page is where it will be.
const WARM_UP: usize = 20;

/// Which account runs it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum As {
    Keys,
    Login,
}

struct Process {
    name: &'static str,
    runs_as: As,
    job: Job,
    microseconds: Samples,
    faults: Samples,
    instructions: Option<u64>,
}

impl Process {
    fn new(name: &'static str, runs_as: As, job: Job) -> Self {
        let (microseconds, faults) = (Samples::default(), Samples::default());
        Self { name, runs_as, job, microseconds, faults, instructions: None }
    }
}

pub(crate) fn measure(place: &Place, hub: &Hub) -> Outcome {
    let (mut keys, mut login) = (Spawner::start(place, hub.keys)?, Spawner::start(place, hub.login)?);
    let proven = [AuthFile::write(&hub.known, hub.login)?, AuthFile::write(&hub.stranger, hub.login)?];
    let mut processes = processes(place, hub, &proven)?;
    for (process, expected) in processes.iter().zip(EXPECTED) {
        let spawner = if process.runs_as == As::Keys { &mut keys } else { &mut login };
        spawner.check(&process.job, expected)?;
    }
    let mut random = Random(2);
    for run in 0..WARM_UP + RUNS {
        interrupt::check()?;
        random.shuffle(&mut processes);
        for process in &mut processes {
            let spawner = if process.runs_as == As::Keys { &mut keys } else { &mut login };
            let ran = spawner.time(&process.job)?;
            if run >= WARM_UP {
                process.microseconds.push(ran.microseconds);
                process.faults.push(ran.faults.into());
            }
        }
    }
    processes.sort_by_key(|process| NAMES.iter().position(|name| *name == process.name));
    for process in &mut processes {
        let ids = if process.runs_as == As::Keys { hub.keys } else { hub.login };
        process.instructions = instructions::count(&process.job, ids)?;
    }
    print(&processes);
    Ok(())
}

const NAMES: [&str; 7] = [
    "_exit alone, static",
    "no-op, static",
    "/bin/true",
    "helper, key on an account",
    "helper, unknown key",
    "gateway, greeting",
    "gateway, private repository refused",
];

/// What each must say before any is timed.
const EXPECTED: [&str; 7] =
    ["", "", "", "bench --key SHA256:", "anonymous --key SHA256:", "Hi bench, welcome", "repository not found"];

fn processes(place: &Place, hub: &Hub, proven: &[AuthFile; 2]) -> Outcome<Vec<Process>> {
    let [bare, no_op, truth, hit, unknown, greeting, refused] = NAMES;
    let exit = "#include <unistd.h>\nvoid _start(void) { _exit(0); }\n";
    let exit = place.compile("exit", exit, &["-nostartfiles"])?;
    let config = hub.config.to_string_lossy();
    let owner = Accounts::name("owner");
    let helper = |key: &Key| {
        let words = ["--config", &config, &owner, &key.algorithm, &key.base64];
        Job::new(&hub.libexec.join("authorized-keys")).arguments(&words)
    };
    let gateway = |user: &str, key: &Key, proven: &AuthFile| {
        let words = hub.gateway_arguments(user, key);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        // What sshd sets, besides what a login shell would want.
        Job::new(&hub.libexec.join("gateway"))
            .arguments(&words)
            .variable("SSH_CONNECTION", "127.0.0.1 50000 127.0.0.1 22")
            .variable("SSH_USER_AUTH", &proven.0.to_string_lossy())
            .variable("PATH", "/usr/bin:/bin")
    };
    let [known, stranger] = proven;
    let fetch = format!("git-upload-pack '{REPOSITORY}'");
    Ok(vec![
        Process::new(bare, As::Keys, Job::new(&exit)),
        Process::new(no_op, As::Keys, Job::new(&hub.no_op)),
        Process::new(truth, As::Keys, Job::new(Path::new("/bin/true"))),
        Process::new(hit, As::Keys, helper(&hub.known)),
        Process::new(unknown, As::Keys, helper(&hub.stranger)),
        Process::new(greeting, As::Login, gateway(USER, &hub.known, known)),
        Process::new(
            refused,
            As::Login,
            gateway("anonymous", &hub.stranger, stranger).variable("SSH_ORIGINAL_COMMAND", &fetch).status(1),
        ),
    ])
}

fn print(processes: &[Process]) {
    let median = |name: &str| {
        let found = processes.iter().find(|process| process.name == name);
        found.map_or(f64::NAN, |process| process.microseconds.median())
    };
    let [_, no_op, truth, ..] = NAMES;
    let row = |process: &Process| {
        let microseconds = process.microseconds.median();
        vec![
            process.name.to_owned(),
            format!("{microseconds:.0}"),
            process.microseconds.spread(),
            ratio(microseconds, median(truth)),
            ratio(microseconds, median(no_op)),
            format!("{:.0}", process.faults.median()),
            instructions::thousands(process.instructions),
        ]
    };
    let head = ["process", "us", "quartiles", "x /bin/true", "x no-op", "faults", "instructions"];
    let title = format!("## Whole processes ({RUNS} runs each)");
    print_table(&title, &head, &processes.iter().map(row).collect::<Vec<_>>());
}

/// A file such as sshd leaves for a session with `ExposeAuthInfo`. Gone when dropped.
struct AuthFile(PathBuf);

impl AuthFile {
    fn write(key: &Key, login: Ids) -> Outcome<Self> {
        let name = key.file.file_name().unwrap_or_default().to_string_lossy();
        let path = PathBuf::from(format!("/tmp/sshauth.hubgatebench{}{name}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let made = Self(path);
        writeln!(file, "publickey {} {}", key.algorithm, key.base64)?;
        chown(&made.0, Some(login.uid), Some(login.gid))?;
        Ok(made)
    }
}

impl Drop for AuthFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
