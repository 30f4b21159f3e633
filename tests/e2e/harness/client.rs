//! A person's machine: a home directory, a key, the stock ssh and a git.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::agent::Agent;
use super::hub::Hub;
use super::key::Key;
use super::machine::machine;
use super::outcome::Outcome;
use super::process::{Background, background, run, run_with, wait_until};

/// The host name of every hub for its clients; their ssh configuration has the port.
pub(crate) const HOST: &str = "hub.test";

pub(crate) struct Client {
    pub(crate) home: PathBuf,
    /// The account of its key.
    pub(crate) user: Option<String>,
    pub(crate) key: Key,
    git: PathBuf,
    /// Directories before all others in `PATH`.
    programs: Option<PathBuf>,
    agent: Option<PathBuf>,
    /// `login@host`, as the hub's messages show it.
    pub(crate) at: String,
}

impl Client {
    /// A client with one key in a file.
    pub(crate) fn new(hub: &Hub, user: Option<&str>, key: Key) -> Self {
        let home = machine().fresh("client");
        fs::create_dir(&home).expect("a directory");
        fs::write(home.join("known_hosts"), format!("{HOST} {}\n", machine().host_key)).expect("a file");
        let client = Self {
            user: user.map(str::to_owned),
            key,
            git: machine().newest_git().path.clone(),
            programs: None,
            agent: None,
            at: format!("{}@{HOST}", hub.login.name),
            home,
        };
        client.configure(hub, &format!("IdentityFile {}\n    IdentitiesOnly yes\n", client.key.file.display()));
        client
    }

    /// A client with all keys in an agent.
    pub(crate) fn with_agent(hub: &Hub, user: Option<&str>, key: Key, agent: &Agent) -> Self {
        let mut client = Self::new(hub, user, key);
        client.agent = Some(agent.socket.clone());
        client.configure(hub, "IdentityFile none\n");
        client
    }

    /// Writes ssh's configuration.
    ///
    /// The key exchange is the cheap one of the two that a stock sshd and ssh agree on. ssh's default, sntrup761, takes
    /// 50 ms of the client's processor per session. The demo, `init` and `repo import` are tested with the default.
    fn configure(&self, hub: &Hub, identity: &str) {
        let home = self.home.display();
        let text = format!(
            "Host {HOST}\n    HostName 127.0.0.1\n    Port {}\n    User {}\n    HostKeyAlias {HOST}\n    \
             UserKnownHostsFile {home}/known_hosts\n    GlobalKnownHostsFile none\n    StrictHostKeyChecking yes\n    \
             UpdateHostKeys no\n    KexAlgorithms curve25519-sha256\n    ControlPath {home}/master\n    {identity}",
            hub.port, hub.login.name
        );
        fs::write(self.ssh_config(), text).expect("ssh's configuration");
    }

    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.home.join("ssh_config")
    }

    /// The same client with another git.
    pub(crate) fn git_of(mut self, git: &Path) -> Self {
        git.clone_into(&mut self.git);
        self
    }

    /// The same client, with other programs before the machine's programs in `PATH`.
    pub(crate) fn with_programs(mut self, directory: &Path) -> Self {
        self.programs = Some(directory.to_owned());
        self
    }

    /// A program in the client's home, with only the client's environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        let path = "/usr/local/bin:/usr/bin:/bin";
        let path = self.programs.as_ref().map_or(path.to_owned(), |first| format!("{}:{path}", first.display()));
        command.env_clear().env("PATH", path).env("HOME", &self.home).env("LC_ALL", "C.UTF-8").current_dir(&self.home);
        command.env("TMPDIR", &machine().temporary);
        if let Some(agent) = &self.agent {
            command.env("SSH_AUTH_SOCK", agent);
        }
        command
    }

    /// `ssh -T` with options before the host; the test adds the rest.
    pub(crate) fn ssh_command(&self, options: &[&str]) -> Command {
        let mut command = self.command("ssh");
        command.arg("-F").arg(self.ssh_config()).arg("-T").args(options).arg(HOST);
        command
    }

    /// Runs a command on the hub; an empty one means no command.
    #[track_caller]
    pub(crate) fn ssh(&self, command: impl AsRef<OsStr>) -> Outcome {
        self.ssh_with(&["-oBatchMode=yes"], command, b"")
    }

    /// Runs a command with ssh options and standard input.
    #[track_caller]
    pub(crate) fn ssh_with(&self, options: &[&str], command: impl AsRef<OsStr>, input: &[u8]) -> Outcome {
        let words = Some(command.as_ref()).filter(|command| !command.is_empty());
        run_with(self.ssh_command(options).args(words), input)
    }

    /// `ssh -T`: asks for the greeting.
    #[track_caller]
    pub(crate) fn greet(&self) -> Outcome {
        self.ssh("")
    }

    /// Opens a connection that later sessions share, until it is dropped.
    #[track_caller]
    pub(crate) fn master(&self) -> Master {
        self.master_with(&["-oBatchMode=yes"])
    }

    /// Opens such a connection with ssh options.
    #[track_caller]
    pub(crate) fn master_with(&self, options: &[&str]) -> Master {
        let socket = self.home.join("master");
        let mut command = self.ssh_command(&[options, &["-M", "-N"]].concat());
        let mut process = background(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()));
        wait_until("no connection to share", || {
            assert!(!process.has_ended(), "ssh ended");
            socket.exists()
        });
        Master { process: Some(process), socket }
    }

    /// git in the client's home.
    #[track_caller]
    pub(crate) fn git(&self, words: &[&str]) -> Outcome {
        self.git_in("", words)
    }

    /// git in a directory beneath the home.
    #[track_caller]
    pub(crate) fn git_in(&self, directory: &str, words: &[&str]) -> Outcome {
        run(self.git_command(directory).args(words))
    }

    pub(crate) fn git_command(&self, directory: &str) -> Command {
        let mut command = self.command(&self.git);
        command
            .env("GIT_SSH_COMMAND", format!("ssh -oBatchMode=yes -F {}", self.ssh_config().display()))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
        }
        let settings = ["init.defaultBranch=main", "advice.detachedHead=false", "push.default=current", "gc.auto=0"];
        command.args(settings.iter().flat_map(|setting| ["-c", setting]));
        command.current_dir(self.home.join(directory));
        command
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.home.join(name), content).expect("a file");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.join(name)).expect("a file")
    }

    /// Commits a file in a working tree. Returns the commit's id.
    #[track_caller]
    pub(crate) fn commit(&self, tree: &str, file: &str, content: &str) -> String {
        self.write(&format!("{tree}/{file}"), content);
        self.git_in(tree, &["add", file]).succeeded();
        self.git_in(tree, &["commit", "--quiet", "-m", file]).succeeded();
        self.git_in(tree, &["rev-parse", "HEAD"]).succeeded().stdout().trim_end().to_owned()
    }

    /// The short URL of a repository.
    pub(crate) fn url(path: &str) -> String {
        format!("{HOST}:{path}")
    }
}

/// A connection that later sessions of its client share.
pub(crate) struct Master {
    process: Option<Background>,
    socket: PathBuf,
}

impl Drop for Master {
    fn drop(&mut self) {
        self.process = None;
        // A killed ssh leaves its socket, and the next ssh would complain about it.
        let _ = fs::remove_file(&self.socket);
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}
