//! This machine's OpenSSH server: its path, its version, and its settings for a login.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::str::FromStr;

use super::failure::Failure;
use crate::bounded;

/// The longest file of a public key, in bytes. ssh-keygen writes at most some 3,000.
const PUBLIC_KEY_MAX: u64 = 64 * 1024;

/// A version of OpenSSH, such as 9.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl FromStr for Version {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (major, minor) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self(major.parse()?, minor.parse()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

pub(super) fn sshd() -> Result<PathBuf, Failure> {
    let places = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
    let found = places.iter().map(PathBuf::from).find(|place| place.is_file());
    found.ok_or_else(|| Failure::Refused("there is no sshd on this machine: install openssh-server".to_owned()))
}

/// The version, which sshd prints in its usage text.
pub(super) fn sshd_version(sshd: &Path) -> Result<Version, Failure> {
    let output = output(Command::new(sshd).arg("-V"))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let version = text.split_once("OpenSSH_").and_then(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        rest.get(..end)?.parse().ok()
    });
    version.ok_or_else(|| Failure::Refused(format!("{} does not print its OpenSSH version", sshd.display())))
}

pub(super) fn output(command: &mut Command) -> Result<Output, Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().map_err(|error| Failure::File(program, error))
}

/// The line of the public key that belongs to a host key of sshd.
///
/// The private key decides, as for sshd: the file beside it may be of another key. That file is read if the private key
/// is in an agent (`HostKeyAgent`).
pub(super) fn public_host_key(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut derive = Command::new("ssh-keygen");
    // Without a passphrase, so that ssh-keygen asks for none.
    let derived = output(derive.args(["-y", "-P", "", "-f"]).arg(file).stdin(Stdio::null()))?;
    if derived.status.success() {
        return Ok(derived.stdout);
    }
    let beside = PathBuf::from(format!("{}.pub", file.display()));
    let read = |file: &Path| bounded::read(File::open(file)?, PUBLIC_KEY_MAX);
    read(&beside).or_else(|_| read(file)).map_err(|error| Failure::File(beside.display().to_string(), error))
}

/// sshd's settings for a login, as `sshd -T` prints them.
#[derive(Debug, Default)]
pub(super) struct Settings(Vec<(String, String)>);

impl Settings {
    /// Reads the output of `sshd -T`: lines of a keyword in lower case and a value.
    pub(super) fn parse(text: &str) -> Self {
        let pair = |line: &str| line.split_once(' ').map(|(keyword, value)| (keyword.to_owned(), value.to_owned()));
        Self(text.lines().filter_map(pair).collect())
    }

    /// All values of a keyword, which is in lower case.
    pub(super) fn values(&self, keyword: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(name, _)| name == keyword).map(|(_, value)| value.as_str())
    }

    /// The first value of a keyword that is set.
    pub(super) fn value(&self, keyword: &str) -> Option<&str> {
        self.values(keyword).find(|value| *value != "none")
    }
}

/// Asks sshd for its settings for a login. sshd may reject the file, and then says why.
pub(super) fn settings(sshd: &Path, file: &Path, login: &str) -> Result<Result<Settings, String>, Failure> {
    let connection = format!("user={login},host=localhost,addr=127.0.0.1");
    let test = output(Command::new(sshd).args(["-T", "-C", &connection, "-f"]).arg(file))?;
    if test.status.success() {
        return Ok(Ok(Settings::parse(&String::from_utf8_lossy(&test.stdout))));
    }
    Ok(Err(String::from_utf8_lossy(&test.stderr).trim().to_owned()))
}
