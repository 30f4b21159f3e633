//! The result of a command: standard output, standard error and status, compared together.

use std::fmt;

/// The result of a command.
pub(crate) struct Outcome {
    pub(crate) command: String,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// The exit status; as in a shell, 128 and the number for a signal.
    pub(crate) status: i32,
}

/// The expected result of a command. By default, outputs are empty and the status is 0.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    stdout: String,
    stderr: String,
    status: i32,
}

/// Status 0 without output.
pub(crate) fn silent() -> Expected {
    Expected::default()
}

/// Status 0 and this on standard output.
pub(crate) fn says(stdout: impl Into<String>) -> Expected {
    Expected { stdout: stdout.into(), ..Expected::default() }
}

/// Status 1 and this on standard error.
pub(crate) fn refused(stderr: impl Into<String>) -> Expected {
    Expected { stderr: stderr.into(), status: 1, ..Expected::default() }
}

impl Expected {
    pub(crate) fn warning(self, stderr: impl Into<String>) -> Self {
        Self { stderr: stderr.into(), ..self }
    }

    pub(crate) fn status(self, status: i32) -> Self {
        Self { status, ..self }
    }
}

impl Outcome {
    /// Compares with the expectation. A difference fails the test at the caller's line.
    #[track_caller]
    pub(crate) fn is(&self, expected: &Expected) {
        let same = self.stdout == expected.stdout.as_bytes()
            && self.stderr == expected.stderr.as_bytes()
            && self.status == expected.status;
        if !same {
            let Expected { stdout, stderr, status } = expected;
            let expected = Self {
                command: "expected".to_owned(),
                stdout: stdout.clone().into_bytes(),
                stderr: stderr.clone().into_bytes(),
                status: *status,
            };
            panic!("{self}{expected}");
        }
    }

    /// Requires status 0 with any output.
    #[track_caller]
    pub(crate) fn succeeded(&self) -> &Self {
        assert!(self.status == 0, "{self}");
        self
    }

    /// Requires the sentence of a fault and its status. Returns the reference in it.
    #[track_caller]
    pub(crate) fn is_fault(&self) -> String {
        self.is_fault_sentence("the server could not serve this request")
    }

    /// Requires the sentence for temporary unavailability. Returns the reference in it.
    #[track_caller]
    pub(crate) fn is_unavailable(&self) -> String {
        self.is_fault_sentence("temporarily unavailable, try again in a minute")
    }

    #[track_caller]
    fn is_fault_sentence(&self, sentence: &str) -> String {
        let stderr = self.stderr();
        let reference = stderr
            .strip_prefix(&format!("hubgate: {sentence} (reference "))
            .and_then(|rest| rest.get(..16))
            .filter(|reference| reference.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let Some(reference) = reference else { panic!("no reference\n{self}") };
        self.is(&refused(format!("hubgate: {sentence} (reference {reference})\n")).status(128));
        reference.to_owned()
    }

    pub(crate) fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Checks for what hubgate's programs must never do in any test.
    #[track_caller]
    pub(super) fn check_no_panic(&self) {
        let panicked = |text: &[u8]| text.windows(8).any(|word| word == b"panicked");
        assert!(self.status != 101 && !panicked(&self.stdout) && !panicked(&self.stderr), "a panic spoke\n{self}");
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.command)?;
        for (name, bytes) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            // Long output, such as a clone of many objects, is cut; its beginning identifies it.
            let shown = bytes.get(..4000).unwrap_or(bytes);
            for line in shown.split_inclusive(|byte| *byte == b'\n') {
                writeln!(f, "  {name}: {}", line.escape_ascii())?;
            }
        }
        writeln!(f, "  status: {}", self.status)
    }
}
