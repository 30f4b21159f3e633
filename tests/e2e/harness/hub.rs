//! A hub with its own sshd.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use hubgate::operator::sshd_config::{Anonymous, Block};
use nix::unistd::Pid;

use super::client::Client;
use super::key::Key;
use super::machine::{Account, machine, processes_in, processes_that_name};
use super::outcome::Outcome;
use super::process::{Background, background, run, run_with, wait_until};
use super::syslog::{Entry, Syslog};
use super::test;
use crate::programs::program;

/// The setup of a hub; the default is the shipped configuration.
#[derive(Clone, Copy)]
pub(crate) struct Setup<'a> {
    pub(crate) keys_help: &'a str,
    pub(crate) anonymous: &'a str,
    /// The hub's git; by default the distribution's.
    pub(crate) git: Option<&'a Path>,
    pub(crate) archive: bool,
    /// More sections of the configuration.
    pub(crate) more: &'a str,
    /// Whether the gateway is the login shell.
    pub(crate) gateway_is_shell: bool,
    /// Changes the block of `sshd_config.example`, which is already filled in for this hub's directory.
    pub(crate) sshd: Sshd,
}

/// Changes sshd's block as a test needs it.
pub(crate) type Sshd = fn(block: String, hub: &Path) -> String;

impl Default for Setup<'_> {
    fn default() -> Self {
        Self {
            keys_help: "",
            anonymous: "any-key",
            git: None,
            archive: false,
            more: "",
            gateway_is_shell: false,
            sshd: |block, _| block,
        }
    }
}

/// A hub that runs until it is dropped.
pub(crate) struct Hub {
    pub(crate) dir: PathBuf,
    pub(crate) login: &'static Account,
    pub(crate) port: u16,
    syslog: Mutex<Syslog>,
    sshd: Option<Background>,
}

/// Makes a database of the present version one of version 3, as `BACK` in the tests of the database does.
pub(crate) const BACK_TO_3: &str = "DROP TABLE proposal; ALTER TABLE repository DROP COLUMN proposals;
    DROP INDEX repository_shown; ALTER TABLE repository DROP COLUMN internal;
    ALTER TABLE owner DROP COLUMN emails; ALTER TABLE owner DROP COLUMN team_of; UPDATE hubgate SET version = 3;";

/// Makes a database of version 3 one of version 2.
pub(crate) const BACK_TO_2: &str = "ALTER TABLE hubgate DROP COLUMN rules; ALTER TABLE owner DROP COLUMN rules;
    ALTER TABLE repository DROP COLUMN rules; ALTER TABLE hubgate DROP COLUMN checks;
    ALTER TABLE owner DROP COLUMN checks; ALTER TABLE repository DROP COLUMN checks; UPDATE hubgate SET version = 2;";

impl Hub {
    /// A hub with the shipped configuration, without accounts.
    pub(crate) fn new() -> Self {
        Self::with(&Setup::default())
    }

    pub(crate) fn with(setup: &Setup<'_>) -> Self {
        let machine = machine();
        let login = if setup.gateway_is_shell { &machine.gateway_login } else { &machine.login };
        let dir = machine.fresh("hub");
        make_dir(&dir, 0, 0, 0o755);
        make_dir(&dir.join("db"), login.uid, machine.keys.gid, 0o2750);
        make_dir(&dir.join("repositories"), login.uid, login.gid, 0o750);
        for suffix in ["", "-wal", "-shm"] {
            let file = dir.join(format!("db/hubgate.db{suffix}"));
            fs::copy(machine.dir.join(format!("hubgate.db{suffix}")), &file).expect("a copy");
            own(&file, login.uid, machine.keys.gid, 0o640);
        }
        link_programs(&machine.dir.join("libexec"), &dir.join("libexec"));
        let syslog = Mutex::new(Syslog::listen(&dir.join("log")));
        let mut hub = Self { dir, login, port: 0, syslog, sshd: None };
        hub.configure(setup);
        hub.start_sshd(setup.anonymous, setup.sshd);
        hub
    }

    /// A path in the hub's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    /// Writes the configuration, which applies from the next session on.
    pub(crate) fn configure(&self, setup: &Setup<'_>) {
        let dir = self.dir.display();
        let git = setup.git.unwrap_or(&machine().git().path).display();
        let text = format!(
            "[hub]\nname = \"Test Hub\"\nhost = \"hub.test\"\nkeys_help = {:?}\n\n[ssh]\nlogin = {:?}\n\
             anonymous_login = {:?}\n\n\
             [access]\nanonymous = {:?}\n\n[paths]\ndatabase = \"{dir}/db/hubgate.db\"\n\
             repositories = \"{dir}/repositories\"\ngit = \"{git}\"\n\n[git]\narchive = {}\n\n\
             [log]\nsocket = \"{dir}/log\"\n\n{}",
            setup.keys_help,
            self.login.name,
            machine().anonymous_login,
            setup.anonymous,
            setup.archive,
            setup.more
        );
        fs::write(self.config(), text).expect("a configuration");
        own(&self.config(), 0, 0, 0o644);
    }

    /// Starts sshd on a free port; tries another one if a different program took the port in between.
    fn start_sshd(&mut self, anonymous: &str, edit: Sshd) {
        let machine = machine();
        let anonymous = match anonymous {
            "login" => Anonymous::ByLogin(&machine.anonymous_login),
            "fallback" => Anonymous::ByPam(&machine.pam_service),
            _ => Anonymous::ByKey,
        };
        let sshd = match anonymous {
            Anonymous::ByPam(service) => machine.dir.join(service),
            Anonymous::ByKey | Anonymous::ByLogin(_) => "/usr/sbin/sshd".into(),
        };
        let block = Block {
            login: &self.login.name,
            keys_login: &machine.keys.name,
            libexec: &self.path("libexec"),
            config: &self.config(),
            version: machine.sshd_version,
            anonymous,
        };
        let block = edit(block.to_string(), &self.dir);
        let host_key = machine.dir.join("host_key");
        for _ in 0..20 {
            let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
            self.port = free.expect("a free port").port();
            let preamble =
                format!("Port {}\nListenAddress 127.0.0.1\nPidFile none\nHostKey {}\n", self.port, host_key.display());
            fs::write(self.path("sshd_config"), preamble + "\n" + &block).expect("sshd's configuration");
            if self.try_sshd(&sshd) {
                return;
            }
        }
        panic!("sshd does not start: {}", self.sshd_log());
    }

    fn try_sshd(&mut self, program: &Path) -> bool {
        let log = self.path("sshd.log");
        let _ = fs::remove_file(&log);
        let mut command = Command::new(program);
        command.arg("-D").arg("-f").arg(self.path("sshd_config")).arg("-E").arg(&log);
        // A Ctrl-C at the terminal is for this process, which then ends sshd in order.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let mut sshd = background(&mut command);
        // sshd exits if another program has taken the port.
        let listens = || self.sshd_log().contains("Server listening on");
        wait_until("sshd does not listen", || sshd.has_ended() || listens());
        let started = listens();
        self.sshd = Some(sshd).filter(|_| started);
        started
    }

    pub(crate) fn sshd_log(&self) -> String {
        fs::read(self.path("sshd.log")).map(|log| String::from_utf8_lossy(&log).into_owned()).unwrap_or_default()
    }

    /// The program `hubgate`, as root.
    #[track_caller]
    pub(crate) fn hubgate(&self, words: &[&str]) -> Outcome {
        self.hubgate_with(words, b"")
    }

    #[track_caller]
    pub(crate) fn hubgate_with(&self, words: &[&str], input: &[u8]) -> Outcome {
        run_with(self.hubgate_command().args(words), input)
    }

    pub(crate) fn hubgate_command(&self) -> Command {
        let mut command = Command::new(program("hubgate"));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir("/");
        command.arg("--config").arg(self.config());
        command
    }

    /// Runs it, checks that it succeeds, and returns its output.
    #[track_caller]
    pub(crate) fn did(&self, words: &[&str]) -> String {
        self.did_with_status(words, 0)
    }

    /// Runs it, checks that it says nothing on standard error and ends with this status, and returns its output.
    #[track_caller]
    pub(crate) fn did_with_status(&self, words: &[&str], status: i32) -> String {
        let outcome = self.hubgate(words);
        assert!(outcome.status == status && outcome.stderr.is_empty(), "{outcome}");
        outcome.stdout()
    }

    /// Creates an account with one key, and a client with that key. The key's title is `NAME@laptop`.
    #[track_caller]
    pub(crate) fn user(&self, name: &str) -> Client {
        self.did(&["user", "add", name]);
        let key = Key::new(&format!("{name}@laptop"));
        self.add_key(name, &key, &[]);
        Client::new(self, Some(name), key)
    }

    /// Adds a key to an account.
    #[track_caller]
    pub(crate) fn add_key(&self, user: &str, key: &Key, options: &[&str]) {
        let file = key.public_file();
        let words = ["key", "add", user, file.to_str().expect("UTF-8")];
        self.did(&[words.as_slice(), options].concat());
    }

    /// A client whose key is on no account.
    pub(crate) fn stranger(&self) -> Client {
        Client::new(self, None, Key::new("stranger@somewhere"))
    }

    /// Creates a repository with one commit on `main`, a tag `v1`, and a tag with the repository's name.
    #[track_caller]
    pub(crate) fn repo(&self, path: &str, options: &[&str]) {
        self.empty_repo(path, options);
        let format = if options.contains(&"sha256") { "sha256" } else { "sha1" };
        let seed = machine().dir.join("seed").join(format);
        let fetch = [seed.to_str().expect("UTF-8"), "refs/*:refs/*"];
        self.git_in(path, &[&["fetch", "--quiet"], fetch.as_slice()].concat());
        self.git_in(path, &["update-ref", &format!("refs/tags/of/{path}"), "refs/heads/main"]);
    }

    #[track_caller]
    pub(crate) fn empty_repo(&self, path: &str, options: &[&str]) {
        self.did(&[&["repo", "create", path], options].concat());
    }

    /// Adds so many rows of repositories `OWNER/x00001` and so on, which have no directories.
    #[track_caller]
    pub(crate) fn rows_of_repositories(&self, owner: &str, number: usize, visibility: &str) {
        self.sql(&format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number})
             INSERT INTO repository (owner_id, kind, name, folded, directory, visibility, object_format, description,
                                     created_at)
             SELECT o.id, 'model', printf('x%05d', i), printf('x%05d', i), printf('%08x%024x', o.id, i),
                    '{visibility}', 'sha1', '', 0 FROM n, owner o WHERE o.folded = '{owner}'"
        ));
    }

    /// The directory of a repository.
    #[track_caller]
    pub(crate) fn directory(&self, path: &str) -> PathBuf {
        self.did(&["repo", "path", path]).trim_end().into()
    }

    /// Runs git on a stored repository as the login account. Returns its output.
    #[track_caller]
    pub(crate) fn git_in(&self, path: &str, words: &[&str]) -> String {
        let mut command = self.as_login(&machine().newest_git().path);
        command.env("HOME", machine().dir.join("home")).arg("--git-dir").arg(self.directory(path)).args(words);
        run(&mut command).succeeded().stdout()
    }

    /// A program as the login account, with an empty environment.
    pub(crate) fn as_login(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").uid(self.login.uid).gid(self.login.gid).current_dir("/");
        command
    }

    /// Changes the database directly, with the machine's sqlite3.
    #[track_caller]
    pub(crate) fn sql(&self, statement: &str) -> String {
        let mut command = self.as_login(Path::new("/usr/bin/sqlite3"));
        command.args(["-batch", "-bail"]).arg(self.path("db/hubgate.db")).arg(statement);
        let outcome = run(&mut command);
        assert!(outcome.status == 0 && outcome.stderr.is_empty(), "{outcome}");
        outcome.stdout()
    }

    /// The helper as sshd runs it: with its account, environment and directory.
    #[track_caller]
    pub(crate) fn helper<W: AsRef<std::ffi::OsStr>>(&self, words: &[W]) -> Outcome {
        run(self.helper_command().arg("--config").arg(self.config()).args(words))
    }

    pub(crate) fn helper_command(&self) -> Command {
        let keys = &machine().keys;
        let mut command = Command::new(self.path("libexec/authorized-keys"));
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/games")
            .env("USER", &keys.name)
            .env("LOGNAME", &keys.name)
            .env("HOME", "/")
            .uid(keys.uid)
            .gid(keys.gid)
            .current_dir("/");
        command
    }

    /// The gateway as sshd's `/bin/sh` starts it; the test adds the words of the forced command.
    pub(crate) fn gateway_command(&self) -> Command {
        let mut command = self.as_login(&self.path("libexec/gateway"));
        command.env("SSH_CONNECTION", "127.0.0.1 40000 127.0.0.1 22").arg("--config").arg(self.config());
        command
    }

    /// The lines in the hub's system log since the last call.
    pub(crate) fn log(&self) -> Vec<Entry> {
        self.syslog.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// All lines so far, as they were sent.
    pub(crate) fn raw_log(&self) -> Vec<String> {
        self.syslog.lock().unwrap_or_else(PoisonError::into_inner).seen().to_vec()
    }

    /// Compares [`Self::log`], with each line as `LEVEL PROGRAM: FIELDS`. The session id must be there but is not
    /// compared.
    #[track_caller]
    pub(crate) fn logged<L: AsRef<str>>(&self, expected: &[L]) {
        let entries = self.log();
        let lines: Vec<String> = entries.iter().map(ToString::to_string).collect();
        let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        assert!(lines == expected, "log:\n{}\nexpected:\n{}", lines.join("\n"), expected.join("\n"));
        let id = |sid: &str| sid.len() == 16 && sid.bytes().all(|byte| byte.is_ascii_hexdigit());
        let sessions = entries.iter().filter(|entry| entry.program == "hubgate");
        assert!(sessions.map(|entry| entry.sid.as_deref()).all(|sid| sid.is_some_and(id)), "{entries:?}");
    }

    /// The processes of all sessions, including those of sshd with the login's uid.
    pub(crate) fn sessions(&self) -> Vec<Pid> {
        let of_login = |pid: &Pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.contains(&format!("\nUid:\t{}\t", self.login.uid)) && !status.contains("\nState:\tZ")
        };
        self.processes().into_iter().filter(of_login).collect()
    }

    /// The hub's sshd and its children: all sessions.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        self.sshd.as_ref().map(Background::processes).unwrap_or_default()
    }

    /// The hub's sshd, its children, and all other processes that were started with a path of this hub.
    pub(crate) fn processes_and_strays(&self) -> Vec<Pid> {
        let mut processes = [self.processes(), processes_in(&self.path("libexec"))].concat();
        processes.sort_unstable();
        processes.dedup();
        processes
    }

    /// The running commands of the operator and their children: all processes that name the configuration, except
    /// sshd's.
    pub(crate) fn commands(&self) -> Vec<Pid> {
        let sshd = self.processes();
        processes_that_name(&self.config()).into_iter().filter(|pid| !sshd.contains(pid)).collect()
    }

    /// Ends sshd and all sessions.
    pub(crate) fn stop_sshd(&mut self) {
        self.sshd = None;
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.stop_sshd();
        let log = self.sshd_log();
        test::count_sessions(&log);
        if std::thread::panicking() {
            let lines: Vec<&str> = log.lines().filter(|line| !is_noise(line)).collect();
            let mut syslog = self.syslog.lock().unwrap_or_else(PoisonError::into_inner);
            let said = tail("sshd", &lines) + &tail("syslog", syslog.seen());
            test::report(&format!("{}:\n{said}", self.dir.display()));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Lines of sshd's log that belong to every session.
fn is_noise(line: &str) -> bool {
    ["Postponed publickey", "User child is on pid", "Close session", "Disconnected from", "Received disconnect from"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// The last lines of a log, for a failed test.
fn tail(name: &str, lines: &[impl AsRef<str>]) -> String {
    let last = lines.iter().skip(lines.len().saturating_sub(20));
    last.map(|line| format!("  {name}: {}\n", line.as_ref())).collect()
}

fn make_dir(path: &Path, uid: u32, gid: u32, mode: u32) {
    fs::create_dir(path).expect("a directory");
    own(path, uid, gid, mode);
}

/// The owner first, because changing it clears the setgid bit.
fn own(path: &Path, uid: u32, gid: u32, mode: u32) {
    chown(path, Some(uid), Some(gid)).expect("an owner");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Installs the programs in the hub's directory, as hard links because they are large.
fn link_programs(from: &Path, to: &Path) {
    make_dir(to, 0, 0, 0o755);
    make_dir(&to.join("hooks"), 0, 0, 0o755);
    for entry in fs::read_dir(from).expect("the programs").map(|entry| entry.expect("a program").path()) {
        if entry.is_file() {
            fs::hard_link(&entry, to.join(entry.file_name().expect("a name"))).expect("a link");
        }
    }
    for hook in hubgate::push::HOOKS {
        std::os::unix::fs::symlink("../services", to.join("hooks").join(hook)).expect("a link");
    }
}
