//! Login accounts under names that nobody has, removed when dropped.
//!
//! Those that serve share one uid, so that one set of repositories serves under every login shell.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use super::Outcome;
use super::place::{Place, run};

/// How often useradd and userdel are tried: one of another process holds the lock, or a session is about to end.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// A user id and its group's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The accounts of this run.
pub(crate) struct Accounts {
    made: Vec<String>,
    /// Who serves.
    pub(crate) login: Ids,
    /// Who runs the helper.
    pub(crate) keys: Ids,
}

impl Accounts {
    pub(crate) fn make(place: &Place) -> Outcome<Self> {
        let nobody = Ids { uid: 0, gid: 0 };
        let mut accounts = Self { made: Vec::new(), login: nobody, keys: nobody };
        let (home, no_login) = (place.directory("home")?, Path::new("/usr/sbin/nologin"));
        accounts.keys = accounts.add("keys", &home, no_login, &["--user-group"])?;
        accounts.login = accounts.add("owner", &home, no_login, &["--user-group"])?;
        Ok(accounts)
    }

    /// The name of the account that was made with that suffix.
    pub(crate) fn name(suffix: &str) -> String {
        format!("hgb{}-{suffix}", std::process::id())
    }

    /// Another name for the account that serves, with a home and a shell of its own.
    pub(crate) fn alias(&mut self, suffix: &str, home: &Path, shell: &Path) -> Outcome<String> {
        let (uid, gid) = (self.login.uid.to_string(), self.login.gid.to_string());
        self.add(suffix, home, shell, &["--no-user-group", "--non-unique", "--uid", &uid, "--gid", &gid])?;
        Ok(Self::name(suffix))
    }

    /// Adds one whose password is no password and not locked either, which sshd without PAM would refuse.
    fn add(&mut self, suffix: &str, home: &Path, shell: &Path, more: &[&str]) -> Outcome<Ids> {
        let name = Self::name(suffix);
        let mut useradd = Command::new("useradd");
        useradd.args(["--system", "--no-create-home", "--password", "*"]).args(more);
        patiently(useradd.arg("--home-dir").arg(home).arg("--shell").arg(shell).arg(&name))?;
        self.made.push(name.clone());
        let id = |which: &str| -> Outcome<u32> { Ok(run(Command::new("id").args([which, &name]))?.trim().parse()?) };
        Ok(Ids { uid: id("-u")?, gid: id("-g")? })
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        // The aliases first: a group goes with the last account that has it.
        for name in self.made.iter().rev() {
            if let Err(error) = patiently(Command::new("userdel").arg(name)) {
                println!("the account {name} stays: {error}");
            }
        }
    }
}

fn patiently(command: &mut Command) -> Outcome {
    let mut outcome = run(command);
    for _ in 1..TRIES {
        if outcome.is_ok() {
            break;
        }
        sleep(PAUSE);
        outcome = run(command);
    }
    outcome.map(drop)
}
