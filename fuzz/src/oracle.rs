//! The programs that read hubgate's output in the end, as oracles: `/bin/sh` and OpenSSH.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The words of a command line by POSIX's rules for bare words, single quotes and backslashes (XCU, 2.2 and 2.3).
///
/// `None` for an open quote, or for an unquoted character that a shell might act on. So every accepted text is harmless
/// in [`shell_word`].
pub(crate) fn posix_words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ' ' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match characters.next()? {
                        '\'' => break,
                        quoted => word.push(quoted),
                    }
                }
            }
            '\\' => {
                let escaped = characters.next().filter(char::is_ascii_punctuation)?;
                word.get_or_insert_default().push(escaped);
            }
            // git and this function leave a tilde as it is; a shell would only expand it to a home directory.
            c if c.is_ascii_alphanumeric() || "._/~-".contains(c) => word.get_or_insert_default().push(c),
            _ => return None,
        }
    }
    words.extend(word);
    Some(words)
}

/// A `/bin/sh` that answers many questions, because starting one takes longer than a thousand answers.
struct Shell {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _child: Child,
}

impl Shell {
    fn start() -> Option<Self> {
        let mut child = Command::new("/bin/sh")
            .arg("-s")
            .env_clear()
            // The shell finds no program and cannot write files, because a fuzzer may find a way around the check
            // above.
            .env("PATH", "/nonexistent")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (mut input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        input.write_all(b"set -f\nulimit -f 0\n").ok()?;
        Some(Self { input, output, _child: child })
    }

    /// The number of words in an argument list, and the first word.
    fn words(&mut self, list: &str) -> std::io::Result<Vec<u8>> {
        self.input.write_all(format!("set -- {list}\nprintf '%s:%s\\000' \"$#\" \"$1\"\n").as_bytes())?;
        let mut answer = Vec::new();
        self.output.read_until(0, &mut answer)?;
        Ok(answer)
    }
}

thread_local! {
    static SHELL: RefCell<Option<Shell>> = RefCell::new(Shell::start());
}

/// The text that `/bin/sh` reads from one quoted, harmless word; `None` without `/bin/sh`.
pub(crate) fn shell_word(word: &str) -> Option<String> {
    assert_eq!(posix_words(word).map(|words| words.len()), Some(1), "not one harmless word: {word:?}");
    SHELL.with_borrow_mut(|shell| {
        let answer = shell.as_mut()?.words(word).expect("/bin/sh went away");
        let text = answer.strip_prefix(b"1:").and_then(|text| text.strip_suffix(b"\0"));
        let text = text.unwrap_or_else(|| panic!("/bin/sh makes no single word of {word:?}: {answer:?}"));
        Some(String::from_utf8(text.to_vec()).expect("the shell keeps UTF-8"))
    })
}

/// The most keys that ssh-keygen checks per process; each needs a new ssh-keygen.
const KEYS_MAX: usize = 64;

thread_local! {
    static KEYS: RefCell<HashSet<String>> = RefCell::default();
    static KEYGEN_RUNS: Cell<bool> = const { Cell::new(true) };
}

/// Lets ssh-keygen read a line of `authorized_keys`: it must find one key with this size and fingerprint.
///
/// `seen` identifies the key: each key is checked once, up to a limit.
pub(crate) fn openssh_reads(line: &str, bits: usize, seen: &str) {
    let is_new = KEYS.with_borrow_mut(|keys| keys.len() < KEYS_MAX && keys.insert(seen.to_owned()));
    if !is_new || !KEYGEN_RUNS.get() {
        return;
    }
    let mut command = Command::new("ssh-keygen");
    command.args(["-l", "-f", "/dev/stdin"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = command.spawn() else {
        KEYGEN_RUNS.set(false);
        return;
    };
    child.stdin.take().unwrap().write_all(line.as_bytes()).expect("ssh-keygen reads");
    let output = child.wait_with_output().expect("ssh-keygen ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().collect();
    let expected = format!("{bits} {seen} ");
    assert!(
        output.status.success() && matches!(lines.as_slice(), [line] if line.starts_with(&expected)),
        "ssh-keygen should find {expected}in {line:?}, and says {text:?} {:?}",
        String::from_utf8_lossy(&output.stderr)
    );
}
