//! What `hubgate stats` keeps from one run to the next: for each log, the numbers so far and how far it was read.
//!
//! The file belongs to the login account. A process that runs as root opens it before it becomes that account, because
//! only root can open the log at the place that the file names. The account may have written anything. So the file must
//! be a regular file of that account, and it decides only which numbers are printed.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::{Flock, FlockArg, OFlag};
use serde_json::{Map, Value, json};

use super::tally::Tally;
use crate::bounded::read_text;
use crate::operator::failure::Failure;

/// The longest file, in bytes. A log takes some kilobytes.
const FILE_MAX: u64 = 1 << 20;
/// How long another run may keep the file locked.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(50);

/// How far a log was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mark {
    /// The journal, from this second on.
    Since(i64),
    /// The journal, up to the record with this cursor (journalctl(1), `--after-cursor`).
    Cursor(String),
    /// A file, given by device and inode, up to this byte. The hash is that of the text before it, because the file may
    /// be emptied and filled again, and a new file may get the inode of a deleted one.
    Byte { device: u64, inode: u64, byte: u64, hash: u64 },
}

impl Mark {
    /// The place in a file.
    pub(super) fn byte(&self) -> u64 {
        match self {
            Self::Byte { byte, .. } => *byte,
            Self::Since(_) | Self::Cursor(_) => 0,
        }
    }
}

/// What is known of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// When the first run was, in Unix time. Sessions are counted from then on.
    pub(super) begun_at: i64,
    /// When the last run was.
    pub(super) last_at: i64,
    pub(super) mark: Mark,
    pub(super) tally: Tally,
}

/// The file, locked against other runs.
#[derive(Debug)]
pub(super) struct State {
    path: PathBuf,
    /// `None` if there is none yet.
    file: Option<Flock<File>>,
    logs: Map<String, Value>,
}

impl State {
    /// Opens the file, if there is one, and waits until no other run uses it.
    pub(super) fn open(path: &Path, login: u32) -> Result<Self, Failure> {
        let failed = |error| Failure::File(path.display().to_string(), error);
        let file = match options().open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), file: None, logs: Map::new() });
            }
            file => file.map_err(failed)?,
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() || metadata.uid() != login {
            let problem = "it is not a file of the login account: remove it, and the counts begin again";
            return Err(Failure::Refused(format!("{}: {problem}", path.display())));
        }
        let file = lock(file).map_err(failed)?;
        let text = read_text(&*file, FILE_MAX).unwrap_or_default();
        // A damaged file is like none: sessions are counted from now on.
        let logs = serde_json::from_str(&text).unwrap_or_default();
        Ok(Self { path: path.to_owned(), file: Some(file), logs })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of a log.
    pub(super) fn known(&self, log: &str) -> Option<Known> {
        Known::from_json(self.logs.get(log)?)
    }

    /// Writes what is known of a log now.
    pub(super) fn save(mut self, log: &str, known: &Known) -> io::Result<()> {
        self.logs.insert(log.to_owned(), known.to_json());
        let file = match self.file {
            Some(file) => file,
            None => lock(options().create(true).truncate(false).mode(0o640).open(&self.path)?)?,
        };
        let text = format!("{}\n", Value::Object(self.logs));
        file.write_all_at(text.as_bytes(), 0)?;
        file.set_len(text.len() as u64)
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    options
}

fn lock(mut file: File) -> io::Result<Flock<File>> {
    let begin = Instant::now();
    loop {
        file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => return Ok(locked),
            Err((_, _)) if begin.elapsed() >= PATIENCE => {
                return Err(io::Error::new(ErrorKind::WouldBlock, "another hubgate stats runs"));
            }
            Err((file, _)) => file,
        };
        std::thread::sleep(PAUSE);
    }
}

impl Known {
    fn to_json(&self) -> Value {
        let Self { begun_at, last_at, mark, tally } = self;
        let mark = match mark {
            Mark::Since(second) => json!({ "since": second }),
            Mark::Cursor(cursor) => json!({ "cursor": cursor }),
            Mark::Byte { device, inode, byte, hash } => {
                json!({ "device": device, "inode": inode, "byte": byte, "hash": hash })
            }
        };
        json!({ "begun_at": begun_at, "last_at": last_at, "mark": mark, "numbers": tally.to_json() })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let mark = value.get("mark")?;
        let number = |name: &str| mark.get(name).and_then(Value::as_u64);
        let mark = if let Some(cursor) = mark.get("cursor") {
            Mark::Cursor(cursor.as_str()?.to_owned())
        } else if let Some(second) = mark.get("since") {
            Mark::Since(second.as_i64()?)
        } else {
            Mark::Byte {
                device: number("device")?,
                inode: number("inode")?,
                byte: number("byte")?,
                hash: number("hash")?,
            }
        };
        Some(Self {
            begun_at: value.get("begun_at")?.as_i64()?,
            last_at: value.get("last_at")?.as_i64()?,
            mark,
            tally: Tally::from_json(value.get("numbers")?)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(mark: Mark) -> Known {
        let mut tally = Tally::default();
        tally.add(&json!({ "verb": "greeting", "decision": "allow" }));
        Known { begun_at: 1, last_at: 2, mark, tally }
    }

    #[test]
    fn what_is_known_of_each_log_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let (path, own) = (directory.path().join("stats"), nix::unistd::geteuid().as_raw());
        let journal = known(Mark::Cursor("s=1;\"x".to_owned()));
        let file = known(Mark::Byte { device: u64::MAX, inode: 3, byte: 4, hash: u64::MAX });
        State::open(&path, own).unwrap().save("journal", &journal).unwrap();
        State::open(&path, own).unwrap().save("/a log", &file).unwrap();
        let state = State::open(&path, own).unwrap();
        assert_eq!((state.known("journal"), state.known("/a log")), (Some(journal), Some(file)));
        // A shorter text leaves nothing of a longer one.
        let short = known(Mark::Since(-1));
        state.save("/a log", &short).unwrap();
        assert_eq!(State::open(&path, own).unwrap().known("/a log"), Some(short));
        for damaged in ["", "{", "[]", "{\"journal\": {\"mark\": 1}}"] {
            std::fs::write(&path, damaged).unwrap();
            assert_eq!(State::open(&path, own).unwrap().known("journal"), None, "{damaged}");
        }
        // A link or a file of another account is not read.
        State::open(&path, own + 1).unwrap_err();
        std::fs::rename(&path, directory.path().join("other")).unwrap();
        std::os::unix::fs::symlink("other", &path).unwrap();
        State::open(&path, own).unwrap_err();
    }
}
