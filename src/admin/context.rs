//! Where a command runs: the configuration, the right account, the open database.

use std::io::{IsTerminal, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, getegid, geteuid, setgroups, setresgid, setresuid};

use super::Failure;
use super::cli::Sure;
use crate::config::Config;
use crate::db::Store;

/// What the operator's commands on the database work with.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) store: Store,
}

impl Context {
    /// Reads the configuration, becomes the account that serves, and opens the database.
    pub(super) fn open(config: &Path) -> Result<Self, Failure> {
        let config = Config::load(config)?;
        become_login(&config.paths.repositories)?;
        let store = Store::open(&config.paths.database)?;
        Ok(Self { config, store })
    }
}

/// Who is at the keyboard: sudo's caller, else the account that the command runs as.
pub(super) fn actor() -> String {
    let sudo = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty() && !name.contains(char::is_control));
    format!("operator:{}", sudo.unwrap_or_else(|| "root".to_owned()))
}

/// Becomes the owner of the directory of the repositories, for good. Nothing that follows can make a file of root's.
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

/// Asks before something that cannot be undone. Without a terminal only `--yes` will do.
pub(super) fn confirm(sure: &Sure, question: &str) -> Result<(), Failure> {
    if sure.yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!("{question} Say so with --yes")));
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
