//! Runs the programs as sshd does and returns their output.

use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use hubgate::name::Owner;

use crate::hub::{Hub, KEYS, LOGIN, program};
use crate::model;

/// After this time, a program is considered hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// The result of a program.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
    /// Its lines in the system log.
    pub(crate) log: Vec<String>,
}

impl Ended {
    /// The exit status, or the signal as a negative number.
    pub(crate) fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| -self.status.signal().unwrap_or(0))
    }
}

/// Runs a command and waits for it.
pub(crate) fn run(command: &mut Command, input: &[u8]) -> Ended {
    let start = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let reader = |mut stream: Box<dyn Read + Send>| {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        })
    };
    let out = reader(Box::new(child.stdout.take().expect("a pipe")));
    let err = reader(Box::new(child.stderr.take().expect("a pipe")));
    // A program may end without reading its input.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    let status = wait(&mut child, start);
    let took = start.elapsed();
    let (out, err) = (out.join().expect("a reader"), err.join().expect("a reader"));
    let ended = Ended { status, out, err, took, log: Vec::new() };
    assert_ne!(ended.code(), 101, "a panic: {ended:?}");
    ended
}

fn wait(child: &mut Child, start: Instant) -> ExitStatus {
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("{child:?} hangs");
        }
        // Short compared with the start of a program.
        thread::sleep(Duration::from_micros(500));
    }
}

/// The helper's command line for one key, in sshd's environment.
fn helper_command(hub: &Hub, key: u64) -> Command {
    let mut command = Command::new(program("authorized-keys"));
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/games")
        .current_dir("/")
        .uid(KEYS)
        .gid(KEYS)
        .arg("--config")
        .arg(hub.config())
        .arg("git")
        .args(model::key(key).to_string().split(' '));
    command
}

pub(crate) fn helper(hub: &Hub, key: u64) -> Ended {
    let ended = run(&mut helper_command(hub, key), b"");
    Ended { log: hub.log("hubgate-keys"), ..ended }
}

/// The expected line of the helper: the gateway with these words, for this key.
pub(crate) fn line(hub: &Hub, forced_command: &str, key: u64) -> String {
    let (gateway, config) = (program("gateway"), hub.config());
    let (gateway, config) = (gateway.display(), config.display());
    format!("restrict,command=\"{gateway} --config {config} {forced_command}\" {}\n", model::key(key))
}

/// The words of the forced command for a key of an account or an unknown key.
pub(crate) fn forced_command(owner: Option<&Owner>, key: u64) -> String {
    let user = owner.map_or("anonymous", Owner::as_str);
    format!("{user} --key {}", model::key(key).fingerprint())
}

/// The account that has a key according to the helper; any other result is an error.
pub(crate) fn helper_answer(hub: &Hub, key: u64) -> Result<Option<Owner>, String> {
    let ended = run(&mut helper_command(hub, key), b"");
    for owner in [Some(model::owner(key)), None] {
        if ended.status.success()
            && ended.err.is_empty()
            && ended.out == line(hub, &forced_command(owner.as_ref(), key), key)
        {
            return Ok(owner);
        }
    }
    Err(format!("authorized-keys about key {key}: {ended:?}; {:?}", hub.log("hubgate-keys")))
}

/// Runs the gateway with these words, as sshd does for this command of a client.
pub(crate) fn gateway(hub: &Hub, forced_command: &str, command: Option<&str>, input: &[u8]) -> Ended {
    let mut gateway = Command::new(program("gateway"));
    gateway
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/games")
        .env("SSH_CONNECTION", "192.0.2.1 40000 192.0.2.2 22")
        .envs(command.map(|command| ("SSH_ORIGINAL_COMMAND", command)))
        .current_dir("/")
        .uid(LOGIN)
        .gid(LOGIN)
        .arg("--config")
        .arg(hub.config())
        .args(forced_command.split(' '));
    let ended = run(&mut gateway, input);
    Ended { log: hub.log("hubgate"), ..ended }
}

/// The account that has a key according to the gateway, which gets the expected account's name.
pub(crate) fn gateway_answer(hub: &Hub, key: u64) -> Result<Option<Owner>, String> {
    let owner = model::owner(key);
    let ended = gateway(hub, &forced_command(Some(&owner), key), None, b"");
    // A greeting may also report a key that was added since.
    let is_notice = |line: &str| {
        (line.starts_with("hubgate: the key \"key ") && line.contains(" was added on "))
            || (line.starts_with("hubgate: and ") && line.ends_with(" more were added: ssh git@hub.example key list"))
    };
    let greets = ended.out == format!("Hi {owner}, welcome to Example Hub.\n") && ended.err.lines().all(is_notice);
    if ended.code() == 0 && greets {
        Ok(Some(owner))
    } else if ended.code() == 1 && ended.out.is_empty() && ended.err.contains("is no longer on the account") {
        Ok(None)
    } else {
        Err(format!("gateway about key {key}: {ended:?}"))
    }
}

/// Runs the program `sqlite3` on a database, as root.
pub(crate) fn sqlite3(database: PathBuf, statements: &str) -> String {
    let mut command = Command::new("sqlite3");
    // Without the settings of the user who runs the tests.
    command.args(["-batch", "-init", "/dev/null"]).arg(database).arg(".timeout 5000").arg(statements);
    let ended = run(&mut command, b"");
    assert!(ended.status.success(), "{ended:?}");
    ended.out
}
