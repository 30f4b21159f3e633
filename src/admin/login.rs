//! The login accounts of this machine: asked for with getent(1), made with useradd(8).

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Failure;

/// A row of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: PathBuf,
    pub(super) shell: PathBuf,
}

/// The account that sshd runs `authorized-keys` as.
pub(super) const KEYS_LOGIN: &str = "hubgate-keys";

/// The account of that name, by whatever the machine's name service is.
pub(super) fn find(name: &str) -> Result<Option<Login>, Failure> {
    let line = getent("passwd", name)?;
    let parse = |line: &str| -> Option<Login> {
        let fields: Vec<&str> = line.trim_end().split(':').collect();
        let [name, _, uid, gid, _, home, shell] = fields.as_slice() else {
            return None;
        };
        let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
        Some(Login { name: (*name).to_owned(), uid, gid, home: home.into(), shell: shell.into() })
    };
    match line {
        None => Ok(None),
        Some(line) => parse(&line)
            .map(Some)
            .ok_or_else(|| Failure::Refused(format!("getent passwd {name} printed no line of passwd(5)"))),
    }
}

/// Whether the account's password is locked with `!`, which sshd without PAM takes for a locked account. Root's to ask.
pub(super) fn is_locked(name: &str) -> Result<bool, Failure> {
    let line = getent("shadow", name)?;
    Ok(line.is_some_and(|line| line.split(':').nth(1).is_some_and(|password| password.starts_with('!'))))
}

fn getent(database: &str, key: &str) -> Result<Option<String>, Failure> {
    let output = Command::new("getent")
        .args([database, key])
        .output()
        .map_err(|error| Failure::File("getent".to_owned(), error))?;
    match output.status.code() {
        Some(0) => Ok(Some(String::from_utf8_lossy(&output.stdout).into_owned())),
        // getent(1): 2 is "not found".
        Some(2) => Ok(None),
        _ => Err(Failure::Refused(format!("getent {database} {key} failed: {}", output.status))),
    }
}

/// Makes a system account with a group of its own and a password that nothing matches and that is not locked.
pub(super) fn create(name: &str, home: &Path, shell: &Path) -> Result<Login, Failure> {
    let mut command = Command::new("useradd");
    command.args(["--system", "--user-group", "--no-create-home", "--password", "*", "--home-dir"]);
    run(command.arg(home).arg("--shell").arg(shell).arg(name))?;
    find(name)?.ok_or_else(|| Failure::Refused(format!("useradd made no account {name}")))
}

/// Makes a second name of an account: the same uid and group, home and shell.
pub(super) fn create_second_name(login: &Login, name: &str) -> Result<(), Failure> {
    let mut command = Command::new("useradd");
    command.args(["--system", "--non-unique", "--no-create-home", "--no-user-group", "--password", "*", "--uid"]);
    command.arg(login.uid.to_string()).arg("--gid").arg(login.gid.to_string());
    run(command.arg("--home-dir").arg(&login.home).arg("--shell").arg(&login.shell).arg(name))
}

/// Removes an account that [`create`] made, and its group.
pub(super) fn remove(name: &str) -> Result<(), Failure> {
    run(Command::new("userdel").arg(name))
}

/// Runs a program of the machine's to its end; what it said on standard error is the failure.
pub(super) fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Failure::File(program.clone(), error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::Refused(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
