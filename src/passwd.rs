//! The login accounts and groups of this machine, from getent(1) and id(1).
//!
//! hubgate's programs are linked statically. glibc's own lookups, such as getpwnam(3) and getgrouplist(3), would load
//! the machine's name service modules. With nss-systemd in nsswitch.conf(5), the process then dies of SIGSEGV.
//! Therefore other programs look accounts up. clippy.toml forbids the calls that Rust code can make by name, and
//! `tests/run.sh` looks for glibc's name service code in the programs that sshd starts.

use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The directories of getent and id; only root can write in them.
const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin:/run/current-system/sw/bin";

/// An entry of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: PathBuf,
    pub(crate) shell: PathBuf,
}

/// Why an account cannot be looked up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The program is missing or cannot be started.
    #[error("cannot run {0}: {1}")]
    Start(&'static str, io::Error),
    /// The program failed or printed something unexpected.
    #[error("{0} failed: {1:?}")]
    Answer(String, String),
}

/// Finds an account by name, in every name service of the machine.
pub(crate) fn find(name: &str) -> Result<Option<Login>, Error> {
    getent("passwd", name)?.map(|line| parse(&line).ok_or_else(|| bad("getent passwd", name, &line))).transpose()
}

/// Finds the name of an account by its uid.
pub(crate) fn name_of(uid: u32) -> Result<Option<String>, Error> {
    let uid = uid.to_string();
    let line = getent("passwd", &uid)?;
    line.map(|line| parse(&line).map(|login| login.name).ok_or_else(|| bad("getent passwd", &uid, &line))).transpose()
}

/// Whether `!` locks the account's password. sshd without PAM then treats the account as locked. Only root can read
/// this.
pub(crate) fn is_locked(name: &str) -> Result<bool, Error> {
    let line = getent("shadow", name)?;
    Ok(line.is_some_and(|line| line.split(':').nth(1).is_some_and(|password| password.starts_with('!'))))
}

/// The day after which an account has expired, in days since 1970. Only root can read this.
pub(crate) fn expiry(name: &str) -> Result<Option<i64>, Error> {
    let line = getent("shadow", name)?;
    Ok(line.and_then(|line| line.trim_end().split(':').nth(7)?.parse().ok()))
}

/// The numbers of all groups of an account, its primary group first.
pub(crate) fn groups(login: &Login) -> Result<Vec<u32>, Error> {
    let said = id("-G", login)?;
    said.split_whitespace().map(str::parse).collect::<Result<_, _>>().map_err(|_| bad("id -G", &login.name, &said))
}

/// The names of all groups of an account, its primary group first.
pub(crate) fn group_names(login: &Login) -> Result<Vec<String>, Error> {
    Ok(id("-Gn", login)?.split_whitespace().map(str::to_owned).collect())
}

/// What id(1) prints about an account.
fn id(option: &str, login: &Login) -> Result<String, Error> {
    let command = format!("id {option}");
    if login.name.starts_with('-') {
        return Err(bad(&command, &login.name, ""));
    }
    let output = run("id", &[option, &login.name])?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() && !said.trim().is_empty() { Ok(said) } else { Err(bad(&command, &login.name, &said)) }
}

fn getent(database: &str, key: &str) -> Result<Option<String>, Error> {
    // Some versions of getent do not know `--`.
    if key.starts_with('-') {
        return Ok(None);
    }
    let output = run("getent", &[database, key])?;
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => Ok(Some(said.into_owned())),
        // getent(1): status 2 means "not found".
        Some(2) => Ok(None),
        _ => Err(bad(&format!("getent {database}"), key, &String::from_utf8_lossy(&output.stderr))),
    }
}

/// Runs a program from an empty environment.
fn run(program: &'static str, words: &[&str]) -> Result<std::process::Output, Error> {
    let mut command = Command::new(program);
    command.args(words).env_clear().env("PATH", PATH).env("LC_ALL", "C").stdin(Stdio::null());
    command.output().map_err(|error| Error::Start(program, error))
}

fn bad(command: &str, key: &str, said: &str) -> Error {
    Error::Answer(format!("{command} {key}"), said.trim_end().to_owned())
}

fn parse(line: &str) -> Option<Login> {
    let fields: Vec<&str> = line.trim_end().split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields.as_slice() else { return None };
    let (uid, gid) = (uid.parse().ok()?, gid.parse().ok()?);
    Some(Login { name: (*name).to_owned(), uid, gid, home: home.into(), shell: shell.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_by_number_and_is_in_its_own_group() {
        let root = find("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid, root.home.to_str()), (0, 0, Some("/root")));
        assert_eq!(name_of(0).unwrap().as_deref(), Some("root"));
        assert_eq!(groups(&root).unwrap().first(), Some(&0));
        assert_eq!(group_names(&root).unwrap().first().map(String::as_str), Some("root"));
        assert_eq!(expiry("root").unwrap(), None);
    }

    #[test]
    fn a_missing_account_is_none_and_a_name_is_never_an_option() {
        assert_eq!(find("no-such-account").unwrap(), None);
        assert_eq!(find("--help").unwrap(), None);
        assert_eq!(name_of(4_000_000_000).unwrap(), None);
        assert!(groups(&Login { name: "no-such-account".to_owned(), ..find("root").unwrap().unwrap() }).is_err());
    }

    #[test]
    fn a_line_that_is_not_a_passwd_entry_is_rejected() {
        for line in ["", "root:x:0:0:root:/root", "root:x:zero:0:root:/root:/bin/sh", "a:b:1:1:::h:s"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
