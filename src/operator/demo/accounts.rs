//! The login accounts of a demo. Missing accounts are created, and the last running demo removes them.
//!
//! A directory under `/run` has two locks: `mutex` is held while accounts change, and every demo shares `running` until
//! it ends. A file there lists the created accounts.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

use crate::operator::doctor::{Shell, shell};
use crate::operator::failure::Failure;
use crate::operator::login::{self, KEYS_LOGIN};
use crate::passwd::{self, Login};

const DIRECTORY: &str = "/run/hubgate-demo";
/// sshd's own directory, which is missing in a bare container (sshd(8), PRIVSEP).
const PRIVSEP: &str = "/run/sshd";

/// The accounts of one running demo.
#[derive(Debug)]
pub(super) struct Accounts {
    running: Flock<File>,
}

impl Accounts {
    /// Finds the accounts or creates them.
    pub(super) fn ensure(name: &str) -> Result<Self, Failure> {
        let mutex = mutex()?;
        let running = Flock::lock(open("running")?, FlockArg::LockShared).map_err(|(_, errno)| failed(errno.into()))?;
        let mut made = Made::read()?;
        match passwd::find(name)? {
            Some(login) => check_serves(&login)?,
            // Not the gateway as in an installed hub, because the demo's copy is removed with its directory.
            None => made.create(name, Path::new("/bin/sh"))?,
        }
        if passwd::find(KEYS_LOGIN)?.is_none() {
            made.create(KEYS_LOGIN, Path::new("/usr/sbin/nologin"))?;
        }
        if !Path::new(PRIVSEP).exists() {
            std::fs::create_dir(PRIVSEP).map_err(|error| Failure::File(PRIVSEP.to_owned(), error))?;
        }
        drop(mutex);
        Ok(Self { running })
    }

    /// Removes accounts that demos created, if this is the last demo.
    pub(super) fn release(self) -> Result<(), Failure> {
        let _mutex = mutex()?;
        let others = Flock::lock(
            self.running.unlock().map_err(|(_, errno)| failed(errno.into()))?,
            FlockArg::LockExclusiveNonblock,
        );
        if others.is_err() {
            return Ok(());
        }
        Made::read()?.remove()?;
        std::fs::remove_dir_all(DIRECTORY).map_err(failed)
    }
}

fn check_serves(login: &Login) -> Result<(), Failure> {
    let cannot = |why: &str| {
        Err(Failure::Refused(format!(
            "the account {0} cannot serve: {why}\nuse another account, which the demo creates and removes: --login {0}-demo",
            login.name
        )))
    };
    if shell(&login.shell) == Shell::NotOne {
        return cannot(&format!("its shell {} does not run a forced command", login.shell.display()));
    }
    if passwd::is_locked(&login.name)? {
        return cannot("it is locked, and the demo's sshd does not use PAM");
    }
    if login.uid == 0 {
        return cannot("it is root");
    }
    Ok(())
}

fn failed(error: std::io::Error) -> Failure {
    Failure::File(DIRECTORY.to_owned(), error)
}

/// Acquires the mutex. Starts again if the last demo removed the directory in between.
fn mutex() -> Result<Flock<File>, Failure> {
    loop {
        match std::fs::create_dir(DIRECTORY) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let Ok(file) = open("mutex") else { continue };
        let lock = Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| failed(errno.into()))?;
        let ours = lock.metadata().map_err(failed)?.ino();
        if Path::new(DIRECTORY).join("mutex").metadata().is_ok_and(|file| file.ino() == ours) {
            return Ok(lock);
        }
    }
}

fn open(name: &str) -> Result<File, Failure> {
    let path = Path::new(DIRECTORY).join(name);
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)
}

/// The names of the accounts that demos created, one per line.
struct Made {
    file: File,
    names: Vec<String>,
}

impl Made {
    fn read() -> Result<Self, Failure> {
        let mut file = open("made")?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        Ok(Self { file, names: text.lines().map(str::to_owned).collect() })
    }

    /// Creates an account. Its name is written first, so an interrupted demo can leave a name without account, but not
    /// the reverse.
    fn create(&mut self, name: &str, shell: &Path) -> Result<(), Failure> {
        self.names.push(name.to_owned());
        let note = |file: &mut File| file.seek(std::io::SeekFrom::End(0)).and_then(|_| writeln!(file, "{name}"));
        note(&mut self.file).map_err(failed)?;
        login::create(name, Path::new("/"), shell).map(drop)
    }

    fn remove(&self) -> Result<(), Failure> {
        for name in &self.names {
            if passwd::find(name)?.is_some() {
                login::remove(name)?;
            }
        }
        Ok(())
    }
}
