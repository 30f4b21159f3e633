//! A small hub on disk: two repositories, a database, and a client that connects through the sandbox.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hubgate::sandbox::Mode;
use nix::unistd::Uid;
use tempfile::TempDir;

use crate::inside::{NOBODY, Session, kernel_abi};

/// The git versions that serve: the distribution's, and another one if there is one.
pub(crate) fn gits() -> Vec<PathBuf> {
    let installed = ["/usr/bin/git", "/usr/local/bin/git"].map(PathBuf::from);
    installed.into_iter().filter(|git| git.exists()).collect()
}

pub(crate) struct Store {
    pub(crate) directory: TempDir,
}

impl Store {
    /// A store with an empty repository `own.git`, and with another owner's `other.git`.
    pub(crate) fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("hubgate-sandbox-").tempdir().expect("a directory");
        let store = Self { directory };
        fs::set_permissions(store.path(""), fs::Permissions::from_mode(0o755)).expect("a mode");
        for directory in ["db", "store", "client"] {
            fs::create_dir(store.path(directory)).expect("a directory");
        }
        fs::write(store.path("db/hubgate.db"), "every key").expect("a database");
        for repository in [store.own(), store.other()] {
            let init = ["init", "--quiet", "--bare", "--template=", "--initial-branch=main"];
            store.git(init.into_iter().map(OsStr::new).chain([repository.as_os_str()]));
        }
        let secret = store.commit("other", "secret", "another owner's");
        store.git_in("other", ["push", "--quiet", &store.other().display().to_string(), "HEAD:refs/heads/main"]);
        fs::write(store.path("secret"), secret).expect("an id");
        store.give_away();
        store
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The repository that sessions serve.
    pub(crate) fn own(&self) -> PathBuf {
        self.path("store/own.git")
    }

    /// The repository that no session of these tests may see.
    pub(crate) fn other(&self) -> PathBuf {
        self.path("store/other.git")
    }

    /// The id of the commit in [`Self::other`].
    pub(crate) fn secret(&self) -> String {
        fs::read_to_string(self.path("secret")).expect("an id")
    }

    /// Gives the store to the account that serves, as in a hub.
    pub(crate) fn give_away(&self) {
        if Uid::effective().is_root() {
            let owner = format!("{NOBODY}:{NOBODY}");
            let status =
                Command::new("chown").arg("-R").arg(owner).args([self.path("store"), self.path("db")]).status();
            assert!(status.expect("chown").success());
        }
    }

    /// A session in the sandbox, which records what confines it in [`Self::told`].
    pub(crate) fn session(&self, mode: Mode) -> Session {
        Session::new(mode).with("tell", self.path("told").display())
    }

    /// A session that requires the whole sandbox that this kernel supports.
    pub(crate) fn boxed(&self, git: &Path) -> Session {
        let mode = if kernel_abi() < 2 { Mode::BestEffort } else { Mode::Required };
        self.session(mode).with("git", git.display())
    }

    /// What confined the sessions since the last call.
    pub(crate) fn told(&self) -> String {
        let told = fs::read_to_string(self.path("told")).unwrap_or_default();
        let _ = fs::remove_file(self.path("told"));
        told
    }

    /// The URL of a repository.
    pub(crate) fn url(repository: &Path) -> String {
        format!("ssh://host{}", repository.display())
    }

    /// git on the client's side.
    fn client(&self) -> Command {
        let mut command = Command::new("git");
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", self.path("client"));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_SSH_VARIANT", "ssh").env("LC_ALL", "C");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@example.com");
        }
        command.args(["-c", "init.defaultBranch=main", "-c", "safe.directory=*", "-c", "advice.detachedHead=false"]);
        command.current_dir(self.path("client"));
        command
    }

    /// Runs git on the client's side without a session, and returns its output.
    pub(crate) fn git<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let mut command = self.client();
        command.args(arguments);
        let output = command.output().expect("git");
        assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    /// The same in a working tree.
    pub(crate) fn git_in<'a>(&self, tree: &'a str, arguments: impl IntoIterator<Item = &'a str>) -> String {
        self.git(["-C", tree].into_iter().chain(arguments))
    }

    /// Runs git on the client's side against `session`.
    pub(crate) fn try_git_by(&self, session: &Session, arguments: &[&str]) -> Output {
        self.client().env("GIT_SSH_COMMAND", session.ssh_command()).args(arguments).output().expect("git")
    }

    /// The same; must succeed.
    pub(crate) fn git_by(&self, session: &Session, arguments: &[&str]) -> String {
        let output = self.try_git_by(session, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?} by {session:?}: {said}");
        said.into_owned()
    }

    /// The same; must fail. Returns the client's error output.
    pub(crate) fn refused_by(&self, session: &Session, arguments: &[&str]) -> String {
        let output = self.try_git_by(session, arguments);
        assert!(!output.status.success(), "git {arguments:?} by {session:?} succeeded");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Makes a commit in a working tree of the client, which is created if missing. Returns the commit's id.
    pub(crate) fn commit(&self, tree: &str, file: &str, text: &str) -> String {
        if !self.path("client").join(tree).exists() {
            self.git(["init", "--quiet", tree]);
        }
        fs::write(self.path("client").join(tree).join(file), text).expect("a file");
        self.git_in(tree, ["add", "."]);
        self.git_in(tree, ["commit", "--quiet", "--message", text]);
        self.git_in(tree, ["rev-parse", "HEAD"])
    }

    /// The refs of [`Self::own`], on the server's side.
    pub(crate) fn refs(&self) -> String {
        let own = self.own().display().to_string();
        self.git(["--git-dir", &own, "for-each-ref", "--format=%(objectname) %(refname)"])
    }

    /// Fails unless [`Self::own`] is intact.
    pub(crate) fn fsck(&self) {
        let own = self.own().display().to_string();
        self.git(["--git-dir", &own, "fsck", "--strict", "--no-dangling"]);
    }
}
