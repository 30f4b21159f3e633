//! A hub on disk with the owners and modes of a real hub, and with the programs of this build.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::child;
use crate::programs::program as built;

/// The uid and gid of the login account. No account needs to exist.
pub(crate) const LOGIN: u32 = 61_801;
/// The uid and gid of the helper.
pub(crate) const KEYS: u32 = 61_802;

/// The directory of this run.
fn base() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| {
        // sshd and the programs require directories that only root can write, so nothing may be beneath /tmp.
        let base = PathBuf::from(format!("/var/lib/hubgate-crash-{}", std::process::id()));
        make_directory(&base.join("libexec"), 0, 0, 0o755);
        fs::set_permissions(&base, Permissions::from_mode(0o755)).expect("a mode");
        let own = std::env::current_exe().expect("this program");
        for (name, from) in [
            ("authorized-keys", &built("authorized-keys")),
            ("gateway", &built("gateway")),
            ("services", &built("services")),
            ("crash", &own),
        ] {
            fs::copy(from, base.join("libexec").join(name)).expect("a copy of a program");
        }
        make_directory(&base.join("libexec/hooks"), 0, 0, 0o755);
        for hook in hubgate::push::HOOKS {
            symlink("../services", base.join("libexec/hooks").join(hook)).expect("a link");
        }
        base
    })
}

/// Removes the directory of this run.
pub(crate) fn remove_all() {
    if std::env::var_os("KEEP").is_none() {
        let _ = fs::remove_dir_all(base());
    }
}

/// A program at a path where other uids can run it.
pub(crate) fn program(name: &str) -> PathBuf {
    base().join("libexec").join(name)
}

/// The directory of a hub.
pub(crate) fn place(name: &str) -> PathBuf {
    base().join(name)
}

/// Set in a process that has its own mount namespace.
pub(crate) const OWN_MOUNTS: &str = "HUBGATE_CRASH_MOUNTS";

/// Whether file systems can be mounted without other processes seeing them.
pub(crate) fn can_mount() -> bool {
    let mounts = |namespace: &str| fs::read_link(format!("/proc/{namespace}/ns/mnt")).ok();
    let parent = nix::unistd::getppid().to_string();
    std::env::var_os(OWN_MOUNTS).is_some() && mounts("self").is_some() && mounts("self") != mounts(&parent)
}

fn make_directory(path: &Path, uid: u32, gid: u32, mode: u32) {
    fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    chown(path, Some(uid), Some(gid)).expect("an owner");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a mode");
}

/// Gives a file to the login and the helper's group, as the login's own writers create it.
pub(crate) fn give(file: &Path) {
    chown(file, Some(LOGIN), Some(KEYS)).expect("an owner");
    fs::set_permissions(file, Permissions::from_mode(0o640)).expect("a mode");
}

#[derive(Debug)]
pub(crate) struct Hub {
    directory: PathBuf,
    socket: UnixDatagram,
}

impl Hub {
    /// A hub with the model's accounts, key 0 on its account, and a public repository `u0/x`.
    pub(crate) fn new(name: &str) -> Self {
        let hub = Self::bare(&place(name));
        hub.child("make").status().map(|status| assert!(status.success())).expect("a child");
        let repository = hub.directory.join("repositories").join(child::repository().relative());
        make_directory(repository.parent().expect("a directory"), LOGIN, LOGIN, 0o750);
        git(&repository, "init --quiet --bare --template=");
        // The empty tree, which every git knows.
        let commit = git(&repository, "commit-tree -m first 4b825dc642cb6eb9a060e54bf8d69288fbee4904");
        git(&repository, &format!("update-ref refs/heads/main {commit}"));
        hub
    }

    /// A hub without a database.
    pub(crate) fn bare(directory: &Path) -> Self {
        make_directory(directory, 0, 0, 0o755);
        make_directory(&directory.join("repositories"), LOGIN, LOGIN, 0o750);
        make_directory(&directory.join("db"), LOGIN, KEYS, 0o2750);
        let text = format!(
            "[paths]\ndatabase = \"{0}/db/hubgate.db\"\nrepositories = \"{0}/repositories\"\n\
             [log]\nsocket = \"{0}/log\"\n",
            directory.display()
        );
        fs::write(directory.join("config.toml"), text).expect("a configuration");
        let socket = UnixDatagram::bind(directory.join("log")).expect("a socket");
        fs::set_permissions(directory.join("log"), Permissions::from_mode(0o666)).expect("a mode");
        socket.set_nonblocking(true).expect("a socket that does not wait");
        Self { directory: directory.to_owned(), socket }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The names of all files and directories beneath the repository, in order.
    pub(crate) fn names(&self) -> Vec<PathBuf> {
        let mut names = Vec::new();
        let mut left = vec![self.directory.join("repositories").join(child::repository().relative())];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
                left.extend(Some(entry.clone()).filter(|entry| entry.is_dir()));
                names.push(entry);
            }
        }
        names.sort();
        names
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("db/hubgate.db")
    }

    /// The database's file with this suffix.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = OsString::from(self.database());
        path.push(suffix);
        path.into()
    }

    /// The log lines of a program since the last call, without their heads.
    pub(crate) fn log(&self, program: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length) = self.socket.recv(&mut buffer) {
            let line = String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()).into_owned();
            lines.extend(line.split_once(": ").filter(|(head, _)| is_from(head, program)).map(|(head, text)| {
                let priority = head.split('>').next().unwrap_or_default();
                format!("{priority}> {text}")
            }));
        }
        lines
    }

    /// This program in another role, as the login; `words` follow the database.
    pub(crate) fn child(&self, role: &str) -> Command {
        let mut command = Command::new(program("crash"));
        command.args([child::WORD, role]).arg(self.database()).uid(LOGIN).gid(LOGIN).current_dir("/");
        command.env_clear().stdin(Stdio::null());
        command
    }
}

/// Runs git on a repository, as the login.
fn git(repository: &Path, words: &str) -> String {
    let who = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"];
    let mut git = Command::new("git");
    git.arg("--git-dir").arg(repository).args(words.split(' ')).current_dir("/").uid(LOGIN).gid(LOGIN);
    git.env("HOME", "/nonexistent").envs(who.map(|name| (name, "crash"))).stderr(Stdio::inherit());
    let output = git.output().expect("git runs");
    assert!(output.status.success(), "git {words}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Whether the head of a line, `<PRIORITY>NAME[PID]`, is of this program.
fn is_from(head: &str, program: &str) -> bool {
    let name = head.split_once('>').map(|(_, name)| name);
    name.and_then(|name| name.split('[').next()) == Some(program)
}
