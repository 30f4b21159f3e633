//! Creates and removes login accounts, with useradd(8) and userdel(8).

use std::path::Path;
use std::process::Command;

use super::failure::Failure;
use crate::config::{AnonymousMode, Config};
use crate::passwd::{Login, find};

/// The account that sshd runs `authorized-keys` as.
pub(super) const KEYS_LOGIN: &str = "hubgate-keys";

/// Creates a system account with its own group and with a password that matches nothing but is not locked.
pub(super) fn create(name: &str, home: &Path, shell: &Path) -> Result<Login, Failure> {
    let mut command = Command::new("useradd");
    command.args(["--system", "--user-group", "--no-create-home", "--password", "*", "--home-dir"]);
    run(command.arg(home).arg("--shell").arg(shell).arg(name))?;
    find(name)?.ok_or_else(|| Failure::Refused(format!("useradd created no account {name}")))
}

/// Creates a second name of an account, with the same uid, group, home and shell.
pub(super) fn create_second_name(login: &Login, name: &str) -> Result<(), Failure> {
    let mut command = Command::new("useradd");
    command.args(["--system", "--non-unique", "--no-create-home", "--no-user-group", "--password", "*", "--uid"]);
    command.arg(login.uid.to_string()).arg("--gid").arg(login.gid.to_string());
    run(command.arg("--home-dir").arg(&login.home).arg("--shell").arg(&login.shell).arg(name))
}

/// Gives an account a password that matches nothing but is not locked.
pub(super) fn unlock(name: &str) -> Result<(), Failure> {
    run(Command::new("usermod").args(["--password", "*", name]))
}

/// The second name that a login account still has, although the mode of anonymous access does not use it.
pub(super) fn unused_second_name<'a>(config: &'a Config, login: &Login) -> Result<Option<&'a str>, Failure> {
    let name = config.ssh.anonymous_login.as_str();
    if config.access.anonymous == AnonymousMode::Login {
        return Ok(None);
    }
    Ok(find(name)?.filter(|second| second.uid == login.uid && second.name != login.name).map(|_| name))
}

/// Removes an account that [`create`] created, and its group.
pub(super) fn remove(name: &str) -> Result<(), Failure> {
    run(Command::new("userdel").arg(name))
}

/// Runs a program of this machine and waits for it. On failure, the error is its standard error.
pub(super) fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Failure::File(program.clone(), error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::Refused(format!("{program}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
