//! `join CODE`: adds the key in use to the account that the code is for.
//!
//! Wrong, used and expired codes get the same answer, after one second. After five wrong codes in an hour, the key and
//! the address are refused. A small file for each key and address holds the times of wrong codes.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg, OFlag};
use sha2::{Digest, Sha256};

use super::input::{optional_title, standard_input};
use crate::access::Identity;
use crate::bounded;
use crate::commands::key::TitledKey;
use crate::commands::{Denied, Peer, Refused, Rights};
use crate::db::Code;
use crate::message::FaultKind;
use crate::report::{Report, key_json};
use crate::services::caller::Caller;
use crate::session::user_auth::Proven;

/// The longest file of attempts, in bytes.
const FILE_MAX: u64 = 4_096;

/// How long a wrong code takes.
const PENALTY: Duration = Duration::from_secs(1);
/// How many wrong codes are allowed within [`HOUR`].
const MOST: usize = 5;
/// An hour, in seconds.
const HOUR: i64 = 3_600;

pub(super) fn run(caller: &Caller, peer: &Peer<'_>, code: &str, title: &[String]) -> Result<Report, Refused> {
    peer.read(|rights, _| check_unknown(rights))?;
    let line = match &caller.proven {
        Some(Proven::Key(proven)) => proven.to_authorized_keys().into_bytes(),
        // As with `key add`, the client does not have to prove the key. The code shows that the account's owner wants
        // the key there.
        Some(Proven::NoKey) => standard_input()?,
        Some(Proven::Certificate(_)) | None => {
            let cause = "join needs ExposeAuthInfo yes in sshd's configuration";
            return Err(Refused::Fault(FaultKind::Broken, cause.to_owned()));
        }
    };
    let attempts = Attempts::open(caller)?;
    attempts.check(caller.now)?;
    let new = TitledKey::parse(&line, optional_title(title)?)?;
    let joined = match Code::parse(code) {
        Some(code) => peer.change(|rights, change| {
            check_unknown(rights)?;
            Ok(change.join(&code, &new.key, &new.title)?)
        })?,
        None => None,
    };
    let Some(row) = joined else {
        attempts.note(caller.now)?;
        std::thread::sleep(PENALTY);
        return Err(Denied::Code.into());
    };
    let text = format!("your key {} is now on the account {}\n", row.fingerprint, row.holder);
    Ok(Report::new(text, key_json(&caller.config, &row)))
}

/// Refuses a key that is on an account or a repository already.
fn check_unknown(rights: &Rights<'_>) -> Result<(), Refused> {
    if rights.identity == Identity::Anonymous { Ok(()) } else { Err(Denied::InUse.into()) }
}

/// The files with the wrong codes of a key and of an address. They are locked while the command runs.
struct Attempts(Vec<Flock<std::fs::File>>);

impl Attempts {
    fn open(caller: &Caller) -> Result<Self, Refused> {
        let directory = caller.config.attempts_dir();
        let failed = |error: std::io::Error| Refused::Fault(FaultKind::Unavailable, error.to_string());
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        // Sessions without a key must not share one count of wrong codes.
        let key = caller.forced_command.fingerprint().map(|key| format!("key {key}"));
        let subjects = key.into_iter().chain([format!("address {}", caller.address)]);
        let open = |subject: String| lock(&directory, &subject).map_err(failed);
        subjects.map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Refuses if the key or the address has used up its attempts.
    fn check(&self, now: i64) -> Result<(), Refused> {
        for file in &self.0 {
            let attempts = recent(file, now).map_err(fault)?;
            if attempts.len() >= MOST {
                return Err(Denied::Codes.into());
            }
        }
        Ok(())
    }

    /// Records a wrong code.
    fn note(&self, now: i64) -> Result<(), Refused> {
        for file in &self.0 {
            let mut attempts = recent(file, now).map_err(fault)?;
            attempts.push(now);
            rewrite(file, &attempts).map_err(fault)?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn fault(error: std::io::Error) -> Refused {
    Refused::Fault(FaultKind::Unavailable, error.to_string())
}

/// Opens and locks the file of a subject. Its name is the hash of the subject.
fn lock(directory: &Path, subject: &str) -> std::io::Result<Flock<std::fs::File>> {
    let name = format!("{:x}", Sha256::digest(subject.as_bytes()));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(OFlag::O_NOFOLLOW.bits())
        .open(directory.join(name))?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

fn recent(file: &Flock<std::fs::File>, now: i64) -> std::io::Result<Vec<i64>> {
    let mut file: &std::fs::File = file;
    file.rewind()?;
    // A longer file would hide the last attempts.
    let text = bounded::read_text(file, FILE_MAX)?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|at| now - at < HOUR).collect())
}

fn rewrite(file: &Flock<std::fs::File>, attempts: &[i64]) -> std::io::Result<()> {
    let text: String = attempts.iter().map(|at| format!("{at}\n")).collect();
    let mut file: &std::fs::File = file;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}
