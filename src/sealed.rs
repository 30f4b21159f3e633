//! A sealed message from one of hubgate's processes to the next: a memory file that the receiver inherits.
//!
//! Text enters in the gateway and leaves in `services`, as its push hook or as another program. The kernel refuses
//! every change of a sealed file, so what the receiver reads is what the sender wrote (`memfd_create(2)`, `F_ADD_SEALS`
//! in `fcntl(2)`). The only user of memory files.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::FileExt;
use std::time::SystemTime;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

/// The environment variable with the receiver's descriptors, `MESSAGE` or `MESSAGE,GUARD`.
pub const DESCRIPTORS: &str = "HUBGATE_DESCRIPTORS";

/// The longest message, in bytes. sshd's account of a certificate has at most 256 KiB.
const MESSAGE_MAX: u64 = 512 * 1024;

/// The seals of a message. Only a memory file can have them: on any other file the kernel knows no seals, and a file on
/// a tmpfs starts with `F_SEAL_SEAL`, which refuses the other three.
const SEALS: SealFlag =
    SealFlag::F_SEAL_SEAL.union(SealFlag::F_SEAL_SHRINK).union(SealFlag::F_SEAL_GROW).union(SealFlag::F_SEAL_WRITE);

/// Why a message cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No memory, or too many open files.
    #[error("cannot write a message to a memory file: {0}")]
    Write(io::Error),
    /// Never seen.
    #[error("cannot seal a memory file: {0}")]
    Seal(Errno),
}

/// Why a process has no message.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The gateway did not start this process.
    #[error("{DESCRIPTORS} does not name the gateway's descriptors")]
    Descriptors,
    /// The descriptor is closed, or a process can still change its file.
    #[error("the descriptor in {DESCRIPTORS} is not a sealed memory file")]
    NotSealed,
    /// It is longer than any message, or not UTF-8.
    #[error("cannot read the message in {DESCRIPTORS}: {0}")]
    Read(io::Error),
}

/// A message that no process can change.
///
/// Holding one tells you that its file has every seal. It does not tell you who wrote it: a process of the login
/// account can start `services` with a message of its own, and gains nothing, because it already has that account's
/// rights.
#[derive(Debug)]
pub struct Sealed(File);

impl Sealed {
    /// Writes a message. It stays open across `exec`, unless the sandbox closes it.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn write(text: &str) -> Result<Self, SendError> {
        let file = memfd_create("hubgate", MFdFlags::MFD_ALLOW_SEALING);
        let mut file = File::from(file.map_err(|errno| SendError::Write(errno.into()))?);
        file.write_all(text.as_bytes()).map_err(SendError::Write)?;
        fcntl(&file, FcntlArg::F_ADD_SEALS(SEALS)).map_err(SendError::Seal)?;
        Ok(Self(file))
    }

    /// Reads the message from its start. Both push hooks inherit the same open file, so its position is not used.
    ///
    /// # Errors
    /// [`ReceiveError::Read`].
    pub fn read(&self) -> Result<String, ReceiveError> {
        let length = self.0.metadata().map_err(ReceiveError::Read)?.len();
        let length = usize::try_from(length.min(MESSAGE_MAX + 1)).unwrap_or(usize::MAX);
        if length as u64 > MESSAGE_MAX {
            return Err(ReceiveError::Read(io::ErrorKind::FileTooLarge.into()));
        }
        let mut text = vec![0; length];
        self.0.read_exact_at(&mut text, 0).map_err(ReceiveError::Read)?;
        String::from_utf8(text).map_err(|_| ReceiveError::Read(io::ErrorKind::InvalidData.into()))
    }

    /// When it was written.
    ///
    /// # Errors
    /// [`ReceiveError::Read`].
    pub fn written_at(&self) -> Result<SystemTime, ReceiveError> {
        self.0.metadata().and_then(|file| file.modified()).map_err(ReceiveError::Read)
    }

    /// Leaves the message open across exec. Returns the value of [`DESCRIPTORS`] for it, and for the hook's end of its
    /// connection to the guard.
    #[must_use]
    pub fn leave_open(&self, guard: Option<BorrowedFd<'_>>) -> String {
        // Only a closed descriptor fails here, and its receiver says so.
        let _ = fcntl(&self.0, FcntlArg::F_SETFD(FdFlag::empty()));
        let guard = guard.map_or_else(String::new, |guard| format!(",{}", guard.as_raw_fd()));
        format!("{}{guard}", self.0.as_raw_fd())
    }
}

impl AsFd for Sealed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Takes what the gateway left open for this process: the message, and the connection to the session's guard if there
/// is one.
///
/// # Errors
/// [`ReceiveError`], if the descriptor is anything but a memory file with every seal.
pub fn receive() -> Result<(Sealed, Option<OwnedFd>), ReceiveError> {
    receive_by(&std::env::var(DESCRIPTORS).map_err(|_| ReceiveError::Descriptors)?)
}

fn receive_by(value: &str) -> Result<(Sealed, Option<OwnedFd>), ReceiveError> {
    let mut numbers = value.split(',').map(|number| number.parse().ok().filter(|number| *number > 2));
    let message: RawFd = numbers.next().flatten().ok_or(ReceiveError::Descriptors)?;
    let guard = match (numbers.next(), numbers.next()) {
        (None, _) => None,
        (Some(Some(guard)), None) if guard != message => Some(guard),
        (Some(_), _) => return Err(ReceiveError::Descriptors),
    };
    #[expect(unsafe_code, reason = "the standard library takes an inherited descriptor by its number only")]
    // SAFETY: the numbers differ. A descriptor that was received closes at exec, so a second call gets none.
    let (message, guard) = unsafe { (inherited(message), guard.map(|guard| inherited(guard))) };
    let message = File::from(message.ok_or(ReceiveError::NotSealed)?);
    let seals = fcntl(&message, FcntlArg::F_GET_SEALS);
    if seals.is_ok_and(|seals| SealFlag::from_bits_retain(seals).contains(SEALS)) {
        Ok((Sealed(message), guard.flatten()))
    } else {
        Err(ReceiveError::NotSealed)
    }
}

/// Takes a descriptor that this process inherited; `None` if it is not open, or if this process opened or took it: the
/// standard library lets what it opens close at exec, and so does this function.
///
/// # Safety
/// No other part of this process may own a descriptor of this number that stays open across exec.
#[expect(unsafe_code, reason = "the standard library takes an inherited descriptor by its number only")]
unsafe fn inherited(number: RawFd) -> Option<OwnedFd> {
    // SAFETY: the flags of any number may be asked for; a number that is not open is an error.
    let flags = fcntl(unsafe { BorrowedFd::borrow_raw(number) }, FcntlArg::F_GETFD).ok()?;
    if FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC) {
        return None;
    }
    // SAFETY: the descriptor is open, and the caller says that no other part of this process owns it.
    let taken = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl(&taken, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).is_ok().then_some(taken)
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;

    use super::*;

    /// The value that names a descriptor, which is left open for the receiver.
    fn naming(file: impl IntoRawFd + AsFd) -> String {
        fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
        file.into_raw_fd().to_string()
    }

    fn memory_file(seals: SealFlag) -> File {
        let mut file = File::from(memfd_create("test", MFdFlags::MFD_ALLOW_SEALING).unwrap());
        file.write_all(b"forged").unwrap();
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).unwrap();
        file
    }

    #[test]
    fn a_message_is_read_as_it_was_written_and_more_than_once() {
        let sent = Sealed::write("one\ntwo\n").unwrap();
        assert_eq!(sent.leave_open(None), sent.0.as_raw_fd().to_string());
        let (received, guard) = receive_by(&naming(sent.0)).unwrap();
        assert!(guard.is_none());
        assert_eq!(
            (received.read().unwrap().as_str(), received.read().unwrap().as_str()),
            ("one\ntwo\n", "one\ntwo\n")
        );
    }

    #[test]
    fn a_message_cannot_be_changed_after_it_was_sent() {
        let mut sent = Sealed::write("one").unwrap();
        assert!(sent.0.write_all(b"two").is_err() && sent.0.write_at(b"two", 0).is_err());
        assert!(sent.0.set_len(0).is_err() && sent.0.set_len(9).is_err());
        assert_eq!(sent.read().unwrap(), "one");
    }

    #[test]
    fn a_file_that_a_process_can_change_is_not_accepted() {
        for missing in [SealFlag::F_SEAL_SEAL, SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_WRITE] {
            let forged = receive_by(&naming(memory_file(SEALS.difference(missing))));
            assert!(matches!(forged, Err(ReceiveError::NotSealed)), "{missing:?}");
        }
        assert!(receive_by(&naming(memory_file(SEALS))).is_ok());
        let (reader, _writer) = nix::unistd::pipe().unwrap();
        for other in [tempfile::tempfile().unwrap(), tempfile::tempfile_in("/dev/shm").unwrap(), File::from(reader)] {
            assert!(matches!(receive_by(&naming(other)), Err(ReceiveError::NotSealed)));
        }
    }

    #[test]
    fn only_numbers_of_inherited_descriptors_name_a_message() {
        for value in ["", "x", "0", "1", "2", "-1", "3,", "3,3", "3,2", "3,x", "3,4,5", ",3", " 3", "99999999999"] {
            assert!(matches!(receive_by(value), Err(ReceiveError::Descriptors)), "{value:?}");
        }
        assert!(matches!(receive_by("999999"), Err(ReceiveError::NotSealed)));
    }

    #[test]
    fn a_descriptor_of_this_process_is_not_received_and_none_is_received_twice() {
        let own = tempfile::tempfile().unwrap();
        assert!(matches!(receive_by(&own.as_raw_fd().to_string()), Err(ReceiveError::NotSealed)));
        assert!(own.metadata().is_ok(), "it is still open");
        let name = naming(Sealed::write("one").unwrap().0);
        let (message, _) = receive_by(&name).unwrap();
        assert!(matches!(receive_by(&name), Err(ReceiveError::NotSealed)));
        assert_eq!(message.read().unwrap(), "one");
    }

    #[test]
    fn a_message_that_is_too_long_or_not_text_is_rejected() {
        let long = "x".repeat(usize::try_from(MESSAGE_MAX).unwrap());
        assert!(Sealed::write(&long).unwrap().read().is_ok());
        assert!(matches!(Sealed::write(&(long + "x")).unwrap().read(), Err(ReceiveError::Read(_))));
        let binary = memory_file(SealFlag::empty());
        binary.write_all_at(b"\xff", 0).unwrap();
        assert!(matches!(Sealed(binary).read(), Err(ReceiveError::Read(_))));
    }
}
