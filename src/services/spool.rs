//! The rows of a list, until the client reads them. The database is not kept open for a slow client.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use crate::report::listing::Out;

/// How much stays in memory, in bytes. The rest is in a file without a name.
const MEMORY: usize = 1 << 20;

/// Bytes for standard output.
#[derive(Debug, Default)]
pub(crate) struct Spool {
    /// What was written last.
    memory: Vec<u8>,
    /// What was written before.
    file: Option<File>,
    /// Where the file is created.
    directory: Option<PathBuf>,
}

impl Spool {
    /// Names the directory for the file. Without it, or if no file can be created, everything stays in memory.
    pub(super) fn overflow_to(&mut self, directory: &Path) {
        self.directory = Some(directory.to_owned());
    }

    /// Writes everything to standard output.
    pub(super) fn copy_to(mut self, out: &mut impl Write) -> io::Result<()> {
        if let Some(mut file) = self.file.take() {
            file.rewind()?;
            let mut part = vec![0; 1 << 16];
            loop {
                match file.read(&mut part)? {
                    0 => break,
                    length => out.write_all(part.get(..length).unwrap_or_default())?,
                }
            }
        }
        out.write_all(&self.memory)?;
        out.flush()
    }

    fn overflow(&mut self) -> io::Result<()> {
        if let (None, Some(directory)) = (&self.file, &self.directory) {
            let mut options = OpenOptions::new();
            options.read(true).write(true).mode(0o600).custom_flags(OFlag::O_TMPFILE.bits());
            self.file = options.open(directory).ok();
            // One try: the directory does not become writable while a list is read.
            self.directory = None;
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.memory)?;
            self.memory.clear();
        }
        Ok(())
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.memory.len() + bytes.len() > MEMORY {
            self.overflow()?;
        }
        self.memory.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Out for Spool {
    fn restart(&mut self) -> io::Result<()> {
        self.memory.clear();
        if let Some(file) = &mut self.file {
            file.set_len(0)?;
            file.rewind()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes so many lines, and returns what comes out and whether a file was used.
    fn through(directory: Option<&Path>, lines: usize) -> (Vec<u8>, bool) {
        let mut spool = Spool::default();
        if let Some(directory) = directory {
            spool.overflow_to(directory);
        }
        for _ in 0..2 {
            spool.restart().unwrap();
            (0..lines).for_each(|line| spool.write_all(format!("{line:099}\n").as_bytes()).unwrap());
        }
        assert!(directory.is_none_or(|directory| !directory.is_dir()) || spool.memory.len() <= MEMORY);
        let has_file = spool.file.is_some();
        let mut out = Vec::new();
        spool.copy_to(&mut out).unwrap();
        (out, has_file)
    }

    #[test]
    fn a_long_list_waits_in_a_file_and_comes_out_once_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        for (lines, place, uses_file) in [
            (10, Some(directory.path()), false),
            (50_000, Some(directory.path()), true),
            (50_000, Some(missing.as_path()), false),
            (50_000, None, false),
        ] {
            let (out, has_file) = through(place, lines);
            let expected: String = (0..lines).map(|line| format!("{line:099}\n")).collect();
            assert!(out == expected.as_bytes(), "{lines} {place:?}");
            assert_eq!(has_file, uses_file, "{lines} {place:?}");
        }
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }
}
