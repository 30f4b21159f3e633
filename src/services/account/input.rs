//! The input of account commands: a public key on standard input, and a title as the rest of the line.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::bounded;
use crate::commands::Refused;
use crate::commands::arguments::title;
use crate::config::Config;
use crate::name::Title;

/// The longest standard input, in bytes.
const KEY_MAX: u64 = 16 * 1024;

/// Reads a title that may be missing.
pub(super) fn optional_title(words: &[String]) -> Result<Option<Title>, Refused> {
    if words.is_empty() { Ok(None) } else { Ok(Some(title(words)?)) }
}

/// Reads the public key that the client sends, within the longest age of a session.
pub(super) fn standard_input(config: &Config) -> Result<Vec<u8>, Refused> {
    let end = config.limits.longest_age().and_then(|age| Instant::now().checked_add(age));
    let input = io::stdin().as_fd().try_clone_to_owned();
    input.and_then(|input| bounded::read(Ending { input: input.into(), end }, KEY_MAX)).map_err(|error| {
        match error.kind() {
            ErrorKind::FileTooLarge => Refused::Usage("standard input is too long to be a key".to_owned()),
            ErrorKind::TimedOut => Refused::Usage("standard input did not end in time".to_owned()),
            _ => Refused::Usage(format!("standard input: {error}")),
        }
    })
}

/// A source that is read until a certain time.
struct Ending {
    input: File,
    end: Option<Instant>,
}

impl Read for Ending {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Some(end) = self.end {
            let rest = end.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX);
            if poll(&mut [PollFd::new(self.input.as_fd(), PollFlags::POLLIN)], timeout)? == 0 {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        self.input.read(bytes)
    }
}
