//! The lines of the system log since the last run: of the journal, or of a file that other programs rotate.

use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use serde_json::Value;

use super::state::Mark;
use super::tally::Tally;
use crate::bounded::next_line;
use crate::operator::audit::{LINE_MAX, fields_of_line, fields_of_record, journal};
use crate::operator::failure::Failure;

/// Where journald keeps its files, in memory or on disk.
const JOURNALS: [&str; 2] = ["/run/log/journal", "/var/log/journal"];

/// How many bytes before a place are compared, at most. They have the time of a line.
const HASHED: usize = 256;

/// A log that was opened with the rights of the caller.
pub(super) enum Log {
    /// journalctl(1), which prints the records behind a mark.
    Journal(Child, Mark),
    /// A file, what was rotated away since the last run, and what errors name.
    File { file: File, rotated: Option<File>, shown: String },
}

impl Log {
    /// Opens the journal behind the mark. The inner error is why there is none.
    pub(super) fn journal(mark: Mark, repositories: &Path) -> Result<Self, String> {
        if !JOURNALS.iter().any(|place| Path::new(place).is_dir()) {
            return Err("there is no journal: name the log file with --log".to_owned());
        }
        let failed = |error| format!("journalctl: {error}");
        let mut command = journal(repositories).map_err(failed)?;
        match &mark {
            Mark::Cursor(cursor) => command.arg(format!("--after-cursor={cursor}")),
            Mark::Since(second) => command.arg(format!("--since=@{second}")),
            Mark::Byte { .. } => command.arg("--since=now"),
        };
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        Ok(Self::Journal(child.map_err(failed)?, mark))
    }

    /// Opens a file, and the one that logrotate(8) made of it, if that may have lines behind the mark.
    pub(super) fn file(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        let failed = |error| Failure::File(shown.clone(), error);
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(Failure::Usage(format!("{shown} is not a regular file, so it cannot be read from a place on")));
        }
        let rotated = File::open(PathBuf::from(format!("{shown}.1"))).ok();
        Ok(Self::File { file, rotated, shown })
    }

    /// Counts the sessions behind the mark. Without one, counts none and returns where the log ends.
    pub(super) fn count(self, mark: Option<&Mark>, tally: &mut Tally) -> Result<Mark, String> {
        match self {
            Self::Journal(child, mark) => records(child, mark, tally),
            Self::File { file, rotated, shown } => {
                lines(&file, rotated.as_ref(), mark, tally).map_err(|error| format!("{shown}: {error}"))
            }
        }
    }
}

/// Counts the records that journalctl prints.
fn records(mut child: Child, mark: Mark, tally: &mut Tally) -> Result<Mark, String> {
    let mut last = Vec::new();
    if let Some(output) = child.stdout.take() {
        let (mut output, mut line) = (BufReader::new(output), Vec::new());
        while next_line(&mut output, LINE_MAX, &mut line).map_err(|error| format!("journalctl: {error}"))? {
            if let Some(fields) = fields_of_record(&String::from_utf8_lossy(&line)) {
                tally.add(&fields);
            }
            std::mem::swap(&mut last, &mut line);
        }
    }
    let status = child.wait().map_err(|error| format!("journalctl: {error}"))?;
    if !status.success() {
        return Err(format!("journalctl ended with {status}"));
    }
    let record: Option<Value> = serde_json::from_slice(&last).ok();
    let cursor = record.as_ref().and_then(|record| record.get("__CURSOR")?.as_str());
    Ok(cursor.map_or(mark, |cursor| Mark::Cursor(cursor.to_owned())))
}

/// Counts the lines of a file behind a mark. A line without its end is counted when it has one.
fn lines(file: &File, rotated: Option<&File>, mark: Option<&Mark>, tally: &mut Tally) -> io::Result<Mark> {
    let end = match mark {
        Some(mark) if is_of(mark, file) => count_lines(file, mark.byte(), tally)?,
        Some(mark) => {
            if let Some(rotated) = rotated.filter(|rotated| is_of(mark, rotated)) {
                count_lines(rotated, mark.byte(), tally)?;
            }
            // A new file, or one that was emptied.
            count_lines(file, 0, tally)?
        }
        None => file.metadata()?.len(),
    };
    let metadata = file.metadata()?;
    Ok(Mark::Byte { device: metadata.dev(), inode: metadata.ino(), byte: end, hash: hash_before(file, end)? })
}

/// Whether a mark is a place in this file.
fn is_of(mark: &Mark, file: &File) -> bool {
    let Mark::Byte { device, inode, byte, hash } = mark else { return false };
    let is_same = file.metadata().is_ok_and(|file| (file.dev(), file.ino()) == (*device, *inode));
    is_same && hash_before(file, *byte).is_ok_and(|before| before == *hash)
}

/// A hash of the last bytes before a place (FNV-1a). An error if the file is shorter.
fn hash_before(file: &File, byte: u64) -> io::Result<u64> {
    let length = byte.min(HASHED as u64);
    let mut buffer = [0; HASHED];
    let bytes = buffer.get_mut(..usize::try_from(length).unwrap_or(HASHED)).unwrap_or_default();
    file.read_exact_at(bytes, byte - length)?;
    Ok(bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)))
}

/// Counts the lines from a byte on. Returns the end of the last one.
fn count_lines(mut file: &File, begin: u64, tally: &mut Tally) -> io::Result<u64> {
    file.seek(SeekFrom::Start(begin))?;
    let (mut source, mut line, mut end) = (BufReader::with_capacity(1 << 16, file), Vec::new(), begin);
    while next_line(&mut source, LINE_MAX, &mut line)? && line.ends_with(b"\n") {
        end = source.stream_position()?;
        // Other programs may write bytes that are not UTF-8.
        if let Some(fields) = fields_of_line(&String::from_utf8_lossy(&line)) {
            tally.add(&fields);
        }
    }
    Ok(end)
}
