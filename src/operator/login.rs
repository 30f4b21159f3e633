//! Makes and removes login accounts, by useradd(8) and userdel(8).

use std::path::Path;
use std::process::Command;

use super::failure::Failure;
use crate::passwd::{Login, find};

/// The account that sshd runs `authorized-keys` as.
pub(super) const KEYS_LOGIN: &str = "hubgate-keys";

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
