//! What the operator's commands run with: the configuration, the login account, the open database.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, chdir, getegid, geteuid, setgroups, setresgid, setresuid};

use super::failure::Failure;
use crate::commands::Requester;
use crate::commands::arguments::Confirmation;
use crate::commands::ending::end_withdrawn;
use crate::config::Config;
use crate::db::{Change, Error, RepositoryRow, Store};
use crate::git::import::FROM_THE_OPERATOR;
use crate::name::RepoPath;
use crate::privilege::clear_environment;

/// The configuration and the open database.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) store: Store,
}

impl Context {
    /// Reads the configuration, becomes the login account, and opens the database.
    pub(super) fn open(config: &Path) -> Result<Self, Failure> {
        let config = Config::load(config)?;
        become_login(&config.paths.repositories)?;
        let store = Store::open(&config.paths.database)?;
        Ok(Self { config, store })
    }

    /// The number of repositories that [`Self::each_repository`] visits.
    pub(super) fn count(&self, path: Option<&RepoPath>) -> Result<u64, Failure> {
        if path.is_some() { Ok(1) } else { Ok(self.store.view().number_of_repositories()?) }
    }

    /// Does work on one repository, or on every repository.
    pub(super) fn each_repository(
        &self,
        path: Option<&RepoPath>,
        mut work: impl FnMut(RepositoryRow) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        match path {
            Some(path) => work(self.store.view().repository(path)?),
            None => self.store.each_repository(work),
        }
    }

    /// Makes a change in the operator's name. Then ends the running sessions whose rights the change has withdrawn.
    pub(super) fn change<T, E: From<Error>>(
        &mut self,
        steps: impl FnOnce(&Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.change_as(&actor(), steps)
    }

    /// The same, with another name in the audit table.
    pub(super) fn change_as<T, E: From<Error>>(
        &mut self,
        actor: &str,
        steps: impl FnOnce(&Change<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let changed = self.store.change(actor, steps)?;
        end_withdrawn(&self.config);
        Ok(changed)
    }

    /// The operator, as commands on the hub's data know it.
    pub(super) fn requester(&mut self) -> Requester<'_> {
        Requester::Operator { config: &self.config, store: &mut self.store, actor: actor() }
    }
}

/// The variable in which sudo(8) names its caller.
const SUDO_USER: &str = "SUDO_USER";
/// The variable that names the terminal, for tables and questions.
const TERM: &str = "TERM";

/// The operator's name for the audit table: sudo's caller, or else root.
pub(super) fn actor() -> String {
    let sudo = std::env::var(SUDO_USER).ok().filter(|name| !name.is_empty() && !name.contains(char::is_control));
    format!("operator:{}", sudo.unwrap_or_else(|| "root".to_owned()))
}

/// Becomes the owner of the repositories' directory, for good. Afterwards the process can neither create files of root
/// nor read root's own configuration.
///
/// It has the owner's uid, gid and groups, the directory `/` and a umask of 027. Its environment keeps the name of
/// sudo's caller, the terminal, and the variables that `repo import` documents.
pub(super) fn become_login(repositories: &Path) -> Result<(), Failure> {
    let metadata = repositories.metadata().map_err(|error| {
        Failure::Refused(format!("{}: {error}\nrun hubgate init to set the hub up", repositories.display()))
    })?;
    let (uid, gid) = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
    if uid.is_root() || gid.as_raw() == 0 {
        return Err(Failure::Refused(format!(
            "{0} belongs to root: it must belong to the login account that serves: chown git:git {0}",
            repositories.display()
        )));
    }
    umask(Mode::from_bits_truncate(0o027));
    chdir("/").map_err(|errno| Failure::File("/".to_owned(), errno.into()))?;
    clear_environment(&[&[SUDO_USER, TERM], FROM_THE_OPERATOR.as_slice()].concat());
    if geteuid().is_root() {
        let failed = |errno: nix::errno::Errno| Failure::File(format!("cannot become uid {uid}"), errno.into());
        setgroups(&[gid]).map_err(failed)?;
        setresgid(gid, gid, gid).map_err(failed)?;
        setresuid(uid, uid, uid).map_err(failed)?;
    }
    if (geteuid(), getegid()) == (uid, gid) {
        Ok(())
    } else {
        Err(Failure::Refused(format!("run this as root, or as the account that owns {}", repositories.display())))
    }
}

/// Asks before a step that cannot be undone. Without a terminal, `--yes` is required.
pub(super) fn confirm(confirmation: Confirmation, question: &str) -> Result<(), Failure> {
    if confirmation.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{question} Confirm with --yes")));
    }
    let ask = || -> std::io::Result<String> {
        let mut answer = String::new();
        std::io::stderr().write_all(format!("{question} [y/N] ").as_bytes())?;
        std::io::stdin().read_line(&mut answer)?;
        Ok(answer)
    };
    match ask().map_err(|error| Failure::File("the terminal".to_owned(), error))?.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::Refused("nothing was changed".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::process::Command;

    use super::*;

    /// Names the directory of the repositories for the child of the test below.
    const REPOSITORIES: &str = "HUBGATE_TEST_BECOME_LOGIN";

    #[test]
    #[ignore = "needs root"]
    fn nothing_of_root_is_left_when_hubgate_has_become_the_login() {
        if let Some(repositories) = std::env::var_os(REPOSITORIES) {
            become_login(Path::new(&repositories)).unwrap();
            let mut shell = Command::new("/bin/sh");
            let status =
                shell.args(["-c", "echo; id -u; id -G; pwd; umask; env | grep -v -e ^_= -e ^PWD= | sort; echo"]);
            assert!(status.status().unwrap().success());
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        chown(directory.path(), Some(61_234), Some(61_235)).unwrap();
        let test = std::thread::current().name().unwrap().to_owned();
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "--include-ignored", "--nocapture", "--test-threads=1", &test])
            .env(REPOSITORIES, directory.path());
        for name in ["HOME", "XDG_CONFIG_HOME", "GIT_DIR", "GIT_CONFIG_GLOBAL", "LD_PRELOAD_X", "BASH_ENV", "TMPDIR"] {
            child.env(name, "/root/own");
        }
        let output = child.env("SUDO_USER", "carol").env("TERM", "dumb").env_remove("PATH").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let left = "\n61234\n61235\n/\n0027\nPATH=/usr/bin:/bin\nSUDO_USER=carol\nTERM=dumb\n\n";
        // The caller of the tests may have set variables that the importer documents.
        let mut lines: Vec<&str> = text.lines().collect();
        lines.retain(|line| !FROM_THE_OPERATOR.iter().any(|name| line.starts_with(&format!("{name}="))));
        assert!(lines.join("\n").contains(left), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
