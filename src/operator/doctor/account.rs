//! The two accounts: the account that serves, and the account that looks up keys.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Findings;
use crate::clock::now;
use crate::config::Config;
use crate::operator::failure::Failure;
use crate::operator::programs::LIBEXEC;
use crate::passwd::{self, Login};

/// Its presence ends every login except root's (nologin(5)).
const NOLOGIN: &str = "/etc/nologin";
/// Seconds.
const DAY: i64 = 86_400;

pub(super) fn check_login(findings: &mut Findings, config: &Config) -> Result<Option<Login>, Failure> {
    let name = &config.ssh.login;
    let Some(login) = passwd::find(name)? else {
        findings.bad("login", format!("there is no account {name}"), "hubgate init");
        return Ok(None);
    };
    check_ids(findings, &login)?;
    let gateway = format!("usermod --shell {LIBEXEC}/gateway {name}");
    match shell(&login.shell) {
        Shell::Gateway | Shell::Plain => findings.ok("shell", login.shell.display().to_string()),
        Shell::ReadsFiles => {
            findings.warn("shell", format!("{} may read start-up files first", login.shell.display()), gateway);
        }
        // The check of the programs reports it.
        Shell::NotOne if login.shell == Path::new(LIBEXEC).join("gateway") => {}
        Shell::NotOne => {
            findings.bad("shell", format!("{} does not run a forced command", login.shell.display()), gateway);
        }
    }
    if passwd::is_locked(name)? {
        let text = format!("the password of {name} is locked with !, so sshd without PAM refuses the account");
        findings.bad("shadow", text, format!("usermod --password '*' {name}"));
    } else {
        findings.ok("shadow", "not locked");
    }
    if let Some(day) = passwd::expiry(name)?.filter(|day| *day * DAY <= now()) {
        let text = format!("the account {name} has expired (day {day} of shadow(5)), so sshd refuses it");
        findings.bad("shadow", text, format!("usermod --expiredate '' {name}"));
    }
    if Path::new(NOLOGIN).exists() {
        findings.bad("nologin", format!("{NOLOGIN} exists: only root may log in"), format!("rm {NOLOGIN}"));
    }
    if login.home.is_dir() {
        findings.ok("home", login.home.display().to_string());
    } else {
        let text = format!("{} is missing: sshd reports it to every client", login.home.display());
        findings.bad("home", text, format!("install -d -m 755 {}", login.home.display()));
    }
    Ok(Some(login))
}

/// The gateway does not serve as root or with root's group.
fn check_ids(findings: &mut Findings, login: &Login) -> Result<(), Failure> {
    let name = &login.name;
    if login.uid == 0 {
        let fix = format!("create it as a separate account: userdel --force {name}; hubgate init");
        findings.bad("login", format!("{name} has uid 0: the gateway does not serve as root"), fix);
    } else if login.gid == 0 {
        let text = format!("{name} has gid 0: the gateway does not serve as root");
        findings.bad("login", text, format!("groupadd --system {name} && usermod --gid {name} {name}"));
    } else if is_in_root(login)? {
        let text = format!("{name} is in the group root: the gateway does not serve as root");
        findings.bad("login", text, format!("gpasswd --delete {name} root"));
    } else {
        findings.ok("login", format!("{name}, uid {}", login.uid));
    }
    Ok(())
}

fn is_in_root(login: &Login) -> Result<bool, Failure> {
    Ok(passwd::groups(login)?.contains(&0))
}

/// The account that sshd runs the helper as. It may read the database and nothing else.
pub(super) fn check_keys_login(findings: &mut Findings, name: &str, serves: &str) -> Result<Option<Login>, Failure> {
    let Some(keys) = passwd::find(name)? else {
        findings.bad("keys-login", format!("there is no account {name}"), "hubgate init");
        return Ok(None);
    };
    let fix = "set AuthorizedKeysCommandUser hubgate-keys in sshd's block";
    if keys.uid == 0 || keys.gid == 0 {
        findings.bad(
            "keys-login",
            format!("{name} has root's uid or gid: authorized-keys refuses to run as root"),
            fix,
        );
    } else if is_in_root(&keys)? {
        let text = format!("{name} is in the group root: authorized-keys refuses to run with it");
        findings.bad("keys-login", text, format!("gpasswd --delete {name} root"));
    } else if passwd::find(serves)?.is_some_and(|login| login.uid == keys.uid) {
        let text = format!("{name} is the account that serves: the key lookup could write the database");
        findings.bad("keys-login", text, fix);
    } else {
        findings.ok("keys-login", keys.name.clone());
    }
    Ok(Some(keys))
}

/// How a login shell treats a forced command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operator) enum Shell {
    /// It is the gateway, so no other shell runs.
    Gateway,
    /// It runs the command and reads no files first.
    Plain,
    /// It runs the command but may read start-up files first.
    ReadsFiles,
    /// It does not run the command.
    NotOne,
}

/// Classifies a login shell by its name and by whether it is executable.
pub(in crate::operator) fn shell(shell: &Path) -> Shell {
    let runs = shell.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    match shell.file_name().and_then(|name| name.to_str()) {
        _ if !runs => Shell::NotOne,
        Some("gateway") => Shell::Gateway,
        Some("sh" | "dash" | "ash") => Shell::Plain,
        None | Some("nologin" | "false" | "true" | "git-shell" | "sync") => Shell::NotOne,
        Some(_) => Shell::ReadsFiles,
    }
}
