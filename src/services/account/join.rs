//! `join CODE`: adds the key in use to the account that the code is for.
//!
//! Wrong, used and expired codes get the same answer, after one second. After five wrong codes in an hour, further
//! wrong codes of that key at that address are refused at once. One file of limited size holds the times of wrong
//! codes.

use std::fs::OpenOptions;
use std::io::{Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use nix::fcntl::{Flock, FlockArg, OFlag};
use sha2::{Digest, Sha256};

use super::input::{optional_title, standard_input};
use crate::access::{Identity, network};
use crate::bounded;
use crate::commands::key::TitledKey;
use crate::commands::{Denied, Peer, Refused, Rights};
use crate::db::Code;
use crate::message::FaultKind;
use crate::report::{Report, key_json, key_warning};
use crate::services::caller::Caller;
use crate::session::user_auth::Proven;

/// The longest file of attempts, in bytes.
const FILE_MAX: u64 = 128 * 1024;
/// The most lines of the file.
const LINES: usize = 1_000;

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
        Some(Proven::NoKey) => standard_input(peer.config)?,
        Some(Proven::Certificate(_)) | None => {
            let cause = "join needs ExposeAuthInfo yes in sshd's configuration";
            return Err(Refused::Fault(FaultKind::Broken, cause.to_owned()));
        }
    };
    let new = TitledKey::parse(&line, optional_title(title)?)?;
    // A valid code is accepted whatever came before: nobody can use up the attempts of another person.
    let joined = match Code::parse(code) {
        // A wrong code only reads, so that guesses do not hold up changes.
        Some(code) if peer.read(|rights, view| Ok(view.invited(&code, rights.now)?.is_some()))? => {
            peer.change(|rights, change| {
                check_unknown(rights)?;
                Ok(change.join(&code, &new.key, &new.title)?)
            })?
        }
        Some(_) | None => None,
    };
    let Some(row) = joined else {
        if !note(caller)? {
            return Err(Denied::Codes.into());
        }
        std::thread::sleep(PENALTY);
        return Err(Denied::Code.into());
    };
    let text = format!("your key {} is now on the account {}\n", row.fingerprint, row.holder);
    Ok(Report { note: key_warning(&row, &new.key), ..Report::new(text, key_json(&caller.config, &row)) })
}

/// Refuses a key that is on an account or a repository already.
fn check_unknown(rights: &Rights<'_>) -> Result<(), Refused> {
    if rights.identity == Identity::Anonymous { Ok(()) } else { Err(Denied::InUse.into()) }
}

/// Records a wrong code. Returns `false` if its key, at this address, has used up its attempts.
fn note(caller: &Caller) -> Result<bool, Refused> {
    // A person who shares an address with others, or has several keys, is not held up by them.
    let key = caller.forced_command.fingerprint().map(|key| key.to_string()).unwrap_or_default();
    let subject = format!("{:x}", Sha256::digest(format!("{key} {}", network(&caller.address)).as_bytes()));
    let noted = open(&caller.config.wrong_codes_file()).and_then(|file| note_in(&file, &subject, caller.now));
    noted.map_err(|error| Refused::Fault(FaultKind::Unavailable, error.to_string()))
}

/// Opens and locks the file of all wrong codes.
fn open(file: &Path) -> std::io::Result<Flock<std::fs::File>> {
    let flags = OFlag::O_NOFOLLOW.bits();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags)
        .open(file)?;
    Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
}

/// Adds a line `TIME SUBJECT`, unless the subject has [`MOST`] lines of the last hour. Older lines are dropped, and so
/// are the oldest of more than [`LINES`].
fn note_in(file: &Flock<std::fs::File>, subject: &str, now: i64) -> std::io::Result<bool> {
    let mut file: &std::fs::File = file;
    file.rewind()?;
    // A file that is too long or damaged starts again, because wrong codes must not be free.
    let text = bounded::read_text(file, FILE_MAX).unwrap_or_default();
    let parse = |line: &str| {
        let (at, subject) = line.split_once(' ')?;
        Some((at.parse::<i64>().ok()?, subject.to_owned()))
    };
    let is_recent = |(at, _): &(i64, String)| (0..HOUR).contains(&(now - at));
    let mut lines: Vec<(i64, String)> = text.lines().filter_map(parse).filter(is_recent).collect();
    if lines.iter().filter(|(_, of)| of == subject).count() >= MOST {
        return Ok(false);
    }
    lines.push((now, subject.to_owned()));
    let first = lines.len().saturating_sub(LINES);
    let text: String = lines.iter().skip(first).map(|(at, of)| format!("{at} {of}\n")).collect();
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_codes_are_counted_for_an_hour_in_one_file_that_does_not_grow() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("wrong-codes");
        let note = |subject: &str, now| note_in(&open(&path).unwrap(), subject, now).unwrap();
        for (second, expected) in [(0, true), (1, true), (2, true), (3, true), (4, true), (5, false), (3_599, false)] {
            assert_eq!(note("alice", 10_000 + second), expected, "{second}");
        }
        assert!(note("bob", 10_006), "another key or address");
        assert!(note("alice", 13_600), "an hour after the first");
        for number in 0..2 * LINES {
            note(&format!("{number:064}"), 20_000);
        }
        assert!(path.metadata().unwrap().len() <= FILE_MAX);
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), LINES);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
        std::fs::write(&path, [0xff; 1_000]).unwrap();
        assert!(note("alice", 30_000), "a damaged file starts again");
    }

    #[test]
    fn an_ipv6_address_counts_for_its_network() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80:0:0:0::/64"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(network(address), expected, "{address}");
        }
    }
}
