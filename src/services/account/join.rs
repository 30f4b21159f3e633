//! `join CODE`: the proven key comes onto the account that the code is for.
//!
//! Wrong, used and over read the same and cost a second. Five wrong codes an hour are the end, for the key and for the
//! address: a small file for each holds when they came.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg, OFlag};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Outcome, Session, Trouble};
use crate::access::Identity;
use crate::db::Code;
use crate::key::{OfferedKey, PublicKey, refuse_weak};
use crate::log::{self, Level, PROGRAM};
use crate::message::FaultKind;
use crate::name::Title;
use crate::session::user_auth::Proven;

/// What a wrong code costs.
const PENALTY: Duration = Duration::from_secs(1);
/// How many wrong codes are the end, within [`HOUR`].
const MOST: usize = 5;
/// In seconds.
const HOUR: i64 = 3_600;

/// What a key is told that is on an account or a repository.
const IN_USE: &str = "the key that you are using is in use already: join with a new one";

pub(super) fn run(session: &Session<'_>, code: &str) -> Result<Outcome, Trouble> {
    if !matches!(session.identity, Identity::Anonymous) {
        return Err(Trouble::Refused(IN_USE.to_owned()));
    }
    let proven = match &session.caller.proven {
        Some(Proven::Key(proven)) => proven,
        Some(Proven::NoKey) => {
            let line = "join puts the key on an account that you prove, and here no unknown key is proven: \
                        ask an operator to add yours";
            return Err(Trouble::Refused(line.to_owned()));
        }
        Some(Proven::Certificate(_)) | None => {
            let cause = "join needs ExposeAuthInfo yes in sshd's configuration";
            return Err(Trouble::Fault(FaultKind::Broken, cause.to_owned()));
        }
    };
    let attempts = Attempts::open(session)?;
    attempts.check(session.now).inspect_err(|_| log_refusal(session, "too-many-codes"))?;
    let (key, title) = public_key(proven)?;
    let joined = match Code::parse(code) {
        Some(code) => session.change(|rights, change| {
            if !matches!(rights.identity, Identity::Anonymous) {
                return Err(Trouble::Refused(IN_USE.to_owned()));
            }
            Ok(change.join(&code, &key, &title)?)
        })?,
        None => None,
    };
    let Some(row) = joined else {
        attempts.note(session.now)?;
        log_refusal(session, "wrong-code");
        std::thread::sleep(PENALTY);
        return Err(Trouble::Refused("this code is wrong, used or over: ask for a new one".to_owned()));
    };
    let text = format!("your key {} is on the account {} now\n", row.fingerprint, row.holder);
    let json = json!({ "user": row.holder.to_string(), "fingerprint": row.fingerprint.to_string() });
    Ok(Outcome::new(text, json))
}

/// Notes who tries codes; the codes stay out of the log.
fn log_refusal(session: &Session<'_>, reason: &str) {
    let line = session.caller.line().field("verb", "join").field("decision", "deny").field("reason", reason);
    log::send(&session.config.log.socket, PROGRAM, Level::Notice, &line);
}

/// The proven key as one that may be put on an account, and what it is called: there is no comment to go by.
fn public_key(proven: &OfferedKey) -> Result<(PublicKey, Title), Trouble> {
    let line = proven.to_authorized_keys();
    let (key, _) = PublicKey::parse_line(line.as_bytes()).map_err(|error| Trouble::Usage(error.to_string()))?;
    refuse_weak(&key).map_err(|error| Trouble::Usage(error.to_string()))?;
    let title = format!("{} {}", key.key_type(), key.fingerprint());
    let title = title.parse().map_err(|error: crate::name::NameError| Trouble::Usage(error.to_string()))?;
    Ok((key, title))
}

/// The files of a key and of an address, locked for as long as the command runs.
struct Attempts(Vec<Flock<std::fs::File>>);

impl Attempts {
    fn open(session: &Session<'_>) -> Result<Self, Trouble> {
        let directory = session.config.attempts_dir();
        let failed = |error: std::io::Error| Trouble::Fault(FaultKind::Unavailable, error.to_string());
        match DirBuilder::new().mode(0o700).create(&directory) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let subjects = [format!("key {}", session.form.key()), format!("address {}", session.caller.address)];
        let open = |subject: &String| lock(&directory, subject).map_err(failed);
        subjects.iter().map(open).collect::<Result<_, _>>().map(Self)
    }

    /// Refuses when either has had its share.
    fn check(&self, now: i64) -> Result<(), Trouble> {
        for file in &self.0 {
            let attempts = recent(file, now).map_err(fault)?;
            if attempts.len() >= MOST {
                return Err(Trouble::Refused("too many wrong codes: try again in an hour".to_owned()));
            }
        }
        Ok(())
    }

    /// Notes a wrong code.
    fn note(&self, now: i64) -> Result<(), Trouble> {
        for file in &self.0 {
            let mut attempts = recent(file, now).map_err(fault)?;
            attempts.push(now);
            rewrite(file, &attempts).map_err(fault)?;
        }
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn fault(error: std::io::Error) -> Trouble {
    Trouble::Fault(FaultKind::Unavailable, error.to_string())
}

/// Opens the file of a subject, under its hash, alone.
fn lock(directory: &Path, subject: &str) -> std::io::Result<Flock<std::fs::File>> {
    let hash = Sha256::digest(subject.as_bytes());
    let name: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
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
    let mut text = String::new();
    let mut file: &std::fs::File = file;
    file.rewind()?;
    file.take(4_096).read_to_string(&mut text)?;
    Ok(text.lines().filter_map(|line| line.parse().ok()).filter(|at| now - at < HOUR).collect())
}

fn rewrite(file: &Flock<std::fs::File>, attempts: &[i64]) -> std::io::Result<()> {
    let text: String = attempts.iter().map(|at| format!("{at}\n")).collect();
    let mut file: &std::fs::File = file;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())
}
