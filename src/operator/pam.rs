//! The PAM service that admits clients without a registered key if `[access] anonymous = "fallback"`.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::atomic_file::AtomicFile;
use super::failure::Failure;
use super::openssh::Version;

/// The service as shipped, for the login `git`.
pub const PACKAGED: &str = include_str!("../../packaging/pam.d/hubgate-sshd");

pub(super) const SERVICE: &str = "hubgate-sshd";

/// The first OpenSSH with a setting for the service (`PAMServiceName`); older ones use their program name.
pub(super) const SINCE: Version = Version(9, 8);

/// The file of the service for a login.
#[must_use]
pub fn text(login: &str) -> String {
    PACKAGED.replace("user = git\n", &format!("user = {login}\n"))
}

pub(super) fn file(service: &str) -> PathBuf {
    Path::new("/etc/pam.d").join(service)
}

/// What is wrong with the file of a service; `None` if it is correct.
pub(super) fn problem(service: &str, login: &str) -> Option<String> {
    let path = file(service);
    let found = match (std::fs::read_to_string(&path), path.symlink_metadata()) {
        (Ok(found), Ok(metadata)) if metadata.uid() == 0 && metadata.mode() & 0o022 == 0 => found,
        (Ok(_), Ok(_)) => return Some(format!("users other than root can change {}", path.display())),
        (Err(error), _) | (_, Err(error)) => return Some(format!("{}: {error}", path.display())),
    };
    let rules = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    (rules(&found) != rules(&text(login)))
        .then(|| format!("{} differs from hubgate's own file for {login}", path.display()))
}

/// Writes the file of a service, unless it exists.
pub(super) fn install(service: &str, login: &str) -> Result<(), Failure> {
    let path = file(service);
    let failed = |error| Failure::File(path.display().to_string(), error);
    match path.symlink_metadata() {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => AtomicFile::write(&path, 0o644, &text(login)),
        Err(error) => Err(failed(error)),
    }
}

/// Removes the file of a service, if it is as [`install`] writes it.
pub(super) fn remove(service: &str, login: &str) -> Result<(), Failure> {
    let path = file(service);
    match std::fs::read_to_string(&path) {
        Ok(found) if found == text(login) => {
            std::fs::remove_file(&path).map_err(|error| Failure::File(path.display().to_string(), error))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}
