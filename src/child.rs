//! Another program as a child: it ends at a deadline, and the output that is read has a limit.
//!
//! Input lines and limits enter; the caller reads the output as it comes. Nothing waits for ever for a child.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

/// The most bytes of standard error that are kept.
const SAID_MAX: u64 = 64 * 1024;
/// The limit of an output whose length does not matter, because it is read piece by piece. It is read in large pieces.
pub const ANY_LENGTH: u64 = u64::MAX;
/// The size of such a piece, and of the pipe that it comes through, in bytes.
const LARGE_PIECE: usize = 256 << 10;
const LARGE_PIPE: i32 = 1 << 20;
/// How long a child that has written less than half a piece gets to write more.
const PAUSE: Duration = Duration::from_micros(300);
/// The size of a piece of other output, in bytes.
const PIECE: usize = 8 << 10;

/// What a child may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Its deadline. Then it is killed.
    pub time: Duration,
    /// The most bytes of its standard output, or [`ANY_LENGTH`].
    pub output: u64,
    /// Whether it may ask at the terminal.
    pub terminal: Terminal,
}

/// Whether a child may ask the operator something at the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// It may not: it has a process group of its own, so that the deadline reaches its children too.
    Closed,
    /// It may, like ssh for an unknown host. The terminal stops a process of another group that reads from it (tty(4),
    /// job control), so the child stays in the caller's group. The deadline then reaches the child alone.
    Open,
}

/// How a child ended.
#[derive(Debug)]
pub struct Ended<T> {
    /// What was read from its standard output.
    pub read: T,
    /// Its status.
    pub status: ExitStatus,
    /// The beginning of its standard error.
    pub said: String,
}

/// Runs a program, writes `input` to it and reads its output.
///
/// # Errors
/// That of starting it; [`io::ErrorKind::TimedOut`] at the deadline; [`io::ErrorKind::FileTooLarge`] if it printed more
/// than the limit; the error of `input`.
pub fn ask<T>(
    command: &mut Command,
    limits: Limits,
    input: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send,
    read: impl FnOnce(&mut (dyn BufRead + Send)) -> T,
) -> io::Result<Ended<T>> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    if limits.terminal == Terminal::Closed {
        command.process_group(0);
    }
    let mut child = command.spawn()?;
    let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        return Err(io::ErrorKind::BrokenPipe.into());
    };
    let pid = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
    let until = Instant::now() + limits.time;
    let is_large = limits.output == ANY_LENGTH;
    let (done, over) = channel::<()>();
    let (read, written, said, is_late, is_long) = std::thread::scope(|scope| {
        // A child answers while it reads. Writing everything before reading could block for ever.
        let writing = scope.spawn(move || {
            let mut stdin = BufWriter::new(Timed::new(stdin, until));
            input(&mut stdin).and_then(|()| stdin.flush())
        });
        let saying = scope.spawn(move || beginning(Timed::new(stderr, until)));
        let watching = scope.spawn(move || {
            let is_late = over.recv_timeout(limits.time) == Err(RecvTimeoutError::Timeout);
            // The child is not reaped before `done` is dropped, so the number is still its own.
            let kill = if limits.terminal == Terminal::Closed { killpg } else { kill::<Signal> };
            is_late && kill(pid, Signal::SIGKILL).is_ok()
        });
        #[expect(clippy::disallowed_methods, reason = "output beyond the limit is an error of this function")]
        let output = Timed::new(stdout, until).in_large_pieces(is_large).take(limits.output.saturating_add(1));
        let mut output = BufReader::with_capacity(if is_large { LARGE_PIECE } else { PIECE }, output);
        let read = read(&mut output);
        let is_long = output.get_ref().limit() == 0;
        // A child that writes more than was read ends by SIGPIPE.
        drop(output);
        let ended = waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
        drop(done);
        let is_late = watching.join().unwrap_or_default();
        (read, writing.join(), saying.join().unwrap_or_default(), is_late, is_long && ended.is_ok())
    });
    let status = child.wait()?;
    if is_late || Instant::now() >= until {
        return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", limits.time.as_secs())));
    }
    if is_long {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("more than {} bytes of output", limits.output),
        ));
    }
    match written {
        // The child may end without reading everything. Its status says whether it failed.
        Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
        Ok(_) | Err(_) => {}
    }
    Ok(Ended { read, status, said })
}

/// Runs a program without input, and returns its whole output.
///
/// # Errors
/// As [`ask`], and that of reading.
pub fn output(command: &mut Command, limits: Limits) -> io::Result<Ended<Vec<u8>>> {
    output_for(command, limits, b"")
}

/// Runs a program with this input, and returns its whole output.
///
/// # Errors
/// As [`output`].
pub fn output_for(command: &mut Command, limits: Limits, input: &[u8]) -> io::Result<Ended<Vec<u8>>> {
    let read = |output: &mut (dyn BufRead + Send)| {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).map(|_| bytes)
    };
    let Ended { read, status, said } = ask(command, limits, |stdin| stdin.write_all(input), read)?;
    Ok(Ended { read: read?, status, said })
}

/// Reads everything, so that the child does not block, and keeps the beginning.
fn beginning(mut stderr: impl Read) -> String {
    let mut said = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "the rest of a message is not needed")]
    let _ = stderr.by_ref().take(SAID_MAX).read_to_end(&mut said);
    let _ = io::copy(&mut stderr, &mut io::sink());
    String::from_utf8_lossy(&said).trim().to_owned()
}

/// A pipe that gives up at the deadline, because a process that left the group may hold its other end.
struct Timed<P> {
    pipe: P,
    until: Instant,
    /// Whether to wait for large pieces.
    is_large: bool,
    /// Whether the child has written little since the last read.
    is_slow: bool,
}

impl<P: AsFd> Timed<P> {
    fn new(pipe: P, until: Instant) -> Self {
        Self { pipe, until, is_large: false, is_slow: false }
    }

    /// Lets the child write much before it is read. Otherwise each of its writes, which git makes for 4 KiB or less,
    /// wakes this process up, and that costs more than the write.
    fn in_large_pieces(mut self, is_wanted: bool) -> Self {
        // Without a larger pipe, the child would wait.
        self.is_large = is_wanted && fcntl(&self.pipe, FcntlArg::F_SETPIPE_SZ(LARGE_PIPE)).is_ok();
        self
    }

    fn wait(&self, what: PollFlags) -> io::Result<()> {
        let left = self.until.saturating_duration_since(Instant::now());
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        match poll(&mut [PollFd::new(self.pipe.as_fd(), what)], timeout)? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }
}

impl<P: AsFd + Read> Read for Timed<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wait(PollFlags::POLLIN)?;
        if self.is_large && self.is_slow {
            std::thread::sleep(PAUSE);
        }
        let length = self.pipe.read(buffer)?;
        self.is_slow = length < buffer.len() / 2;
        Ok(length)
    }
}

impl<P: AsFd + Write> Write for Timed<P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.wait(PollFlags::POLLOUT)?;
        // A pipe that is ready takes this much without blocking (PIPE_BUF, pipe(7)).
        self.pipe.write(bytes.get(..4_096).unwrap_or(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pipe.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    const LIMITS: Limits = Limits { time: Duration::from_secs(20), output: 1_000, terminal: Terminal::Closed };

    #[test]
    fn a_child_that_does_not_end_is_killed_with_its_children_at_the_deadline() {
        let began = Instant::now();
        let limits = Limits { time: Duration::from_millis(300), ..LIMITS };
        for script in [
            "sleep 60",
            "sleep 60 & wait",
            "exec >&- 2>&-; sleep 60",
            "setsid sleep 5 & setsid sleep 5 </dev/null & wait",
            "trap '' TERM; while :; do :; done",
        ] {
            let error = output(&mut shell(script), limits).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    }

    #[test]
    fn output_beyond_the_limit_is_an_error_and_takes_no_memory() {
        let error = output(&mut shell("exec cat /dev/zero"), LIMITS).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        let exact = output(&mut shell("head -c 1000 /dev/zero"), LIMITS).unwrap();
        assert_eq!((exact.read.len(), exact.status.success()), (1_000, true));
        let loud = output(&mut shell("head -c 1000000 /dev/zero >&2; exit 3"), LIMITS).unwrap();
        assert_eq!((loud.said.len(), loud.status.code()), (65_536, Some(3)));
    }

    #[test]
    fn input_is_written_while_output_is_read() {
        let limits = Limits { output: 10_000_000, ..LIMITS };
        let input = vec![b'x'; 2_000_000];
        for output in [limits.output, ANY_LENGTH] {
            assert_eq!(output_for(&mut shell("cat"), Limits { output, ..limits }, &input).unwrap().read, input);
        }
        // A child that writes little and slowly.
        let slow = "for n in 1 2 3; do echo $n; sleep 0.01; done";
        assert_eq!(output(&mut shell(slow), Limits { output: ANY_LENGTH, ..limits }).unwrap().read, b"1\n2\n3\n");
        // A child need not read its input.
        assert!(output_for(&mut shell("true"), limits, &input).unwrap().status.success());
        let failing = |_: &mut dyn Write| Err(io::ErrorKind::InvalidData.into());
        let failed = ask(&mut shell("cat"), limits, failing, |_| ());
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
