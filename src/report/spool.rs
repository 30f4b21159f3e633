//! Text that waits until it can be printed: in memory, and beyond a size in a file without a name.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::writing::Out;

/// How much stays in memory, in bytes. The rest is in a file without a name.
const MEMORY: usize = 1 << 20;

/// A text that waits, such as the rows of a list: the database is not kept open for a slow client.
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
    /// Names the directory for the file. Without a directory, or if it takes no file, a text that needs the file fails.
    pub(crate) fn overflow_to(&mut self, directory: &Path) {
        self.directory = Some(directory.to_owned());
    }

    /// Writes everything to `out`.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn copy_to(self, out: &mut impl Write) -> io::Result<()> {
        io::copy(&mut self.into_reader()?, out)?;
        out.flush()
    }

    /// Reads everything.
    ///
    /// # Errors
    /// What the operating system says.
    pub(crate) fn into_reader(self) -> io::Result<Box<dyn BufRead>> {
        let memory = Cursor::new(self.memory);
        Ok(match self.file {
            None => Box::new(memory),
            Some(mut file) => {
                file.rewind()?;
                Box::new(BufReader::with_capacity(1 << 16, file).chain(memory))
            }
        })
    }

    fn overflow(&mut self) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(create(self.directory.as_deref())?),
        };
        file.write_all(&self.memory)?;
        self.memory.clear();
        Ok(())
    }
}

/// Creates the file.
fn create(directory: Option<&Path>) -> io::Result<File> {
    let directory = directory.ok_or_else(|| io::Error::new(ErrorKind::NotFound, "there is no directory for it"))?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(OFlag::O_TMPFILE.bits());
    options.open(directory).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", directory.display())))
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

    /// Writes so many lines twice, as after a second question, and returns what comes out and whether a file was used.
    fn through(directory: Option<&Path>, lines: usize) -> io::Result<(Vec<u8>, bool)> {
        let mut spool = Spool::default();
        if let Some(directory) = directory {
            spool.overflow_to(directory);
        }
        for _ in 0..2 {
            spool.restart()?;
            (0..lines).try_for_each(|line| spool.write_all(format!("{line:099}\n").as_bytes()))?;
        }
        assert!(spool.memory.len() <= MEMORY);
        let has_file = spool.file.is_some();
        let mut out = Vec::new();
        spool.copy_to(&mut out)?;
        Ok((out, has_file))
    }

    #[test]
    fn a_long_list_waits_in_a_file_and_comes_out_once_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        for (lines, uses_file) in [(10, false), (50_000, true)] {
            let (out, has_file) = through(Some(directory.path()), lines).unwrap();
            let expected: String = (0..lines).map(|line| format!("{line:099}\n")).collect();
            assert!(out == expected.as_bytes(), "{lines}");
            assert_eq!(has_file, uses_file, "{lines}");
        }
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_long_list_without_a_file_is_an_error_and_fills_no_memory() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing");
        for place in [Some(missing.as_path()), None] {
            assert_eq!(through(place, 10).unwrap().0.len(), 1_000, "{place:?}");
            assert_eq!(through(place, 50_000).unwrap_err().kind(), ErrorKind::NotFound, "{place:?}");
        }
    }
}
