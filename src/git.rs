//! git: the command that serves a repository in an environment built from nothing, and the `exec` that becomes git.
//!
//! The small programs start git only here.

pub mod import;

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::request::Service;

/// Where git and its children look for programs.
pub const SAFE_PATH: &str = "/usr/bin:/bin";

/// Pinned settings. They outrank the repository's own configuration, because git treats them as given on the command
/// line.
///
/// Nothing planted in a repository runs: neither its hooks nor commands in its configuration. `safe.directory` accepts
/// `.` in git 2.39.5 to 2.47.3; 2.39.5 did not accept an absolute path.
const PINNED: [(&str, &str); 23] = [
    ("safe.directory", "."),
    ("core.alternateRefsCommand", "true"),
    ("core.fsmonitor", "false"),
    // Larger blobs are streamed: a pack of 437 KB that unpacks to 450 MB used 4.8 MB of memory instead of 443 MB.
    ("core.bigFileThreshold", "16m"),
    ("protocol.allow", "never"),
    ("transfer.advertiseSID", "false"),
    ("receive.fsckObjects", "true"),
    ("receive.advertisePushOptions", "false"),
    // git 2.47.3 unpacks a small pack in memory and stores each object in a file of its own: 15 KB took 1.2 GB of
    // memory, and 4 MB became 245 MB on disk. index-pack keeps a pack as it was sent.
    ("receive.unpackLimit", "1"),
    ("receive.autogc", "false"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("uploadpack.allowAnySHA1InWant", "false"),
    ("uploadpack.allowFilter", "true"),
    ("uploadpackfilter.allow", "false"),
    ("uploadpackfilter.blob:none.allow", "true"),
    ("uploadpackfilter.blob:limit.allow", "true"),
    ("uploadpackfilter.tree.allow", "true"),
    ("uploadpackfilter.tree.maxDepth", "0"),
    ("pack.windowMemory", "256m"),
    // git runs these programs on a push certificate even if it advertises none. The push hook rejects certificates.
    ("gpg.program", "false"),
    ("gpg.x509.program", "false"),
    ("gpg.ssh.program", "false"),
];

/// How git serves a repository.
#[derive(Debug, Clone, Copy)]
pub struct Serving<'a> {
    /// The program.
    pub git: &'a Path,
    /// The service.
    pub service: Service,
    /// The client's `GIT_PROTOCOL`; passed on only if it looks like a protocol.
    pub protocol: Option<&'a OsStr>,
    /// The directory of the push hooks.
    pub hooks: &'a Path,
    /// The most bytes that a push may send; 0 means no limit.
    pub push_bytes: u64,
}

impl Serving<'_> {
    /// The git command that serves the current directory.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(self.git);
        let push_bytes = self.push_bytes.to_string();
        match self.service {
            Service::UploadPack | Service::UploadArchive => pin(&mut command, &[NO_HOOKS]),
            Service::ReceivePack => {
                let hooks = self.hooks.to_string_lossy();
                // Each thread of index-pack takes memory, and git starts up to 20.
                let threads = ("pack.threads", "4");
                pin(&mut command, &[("core.hooksPath", &hooks), ("receive.maxInputSize", &push_bytes), threads]);
            }
        }
        if let Some(protocol) = self.protocol.filter(|protocol| is_protocol(protocol.as_encoded_bytes())) {
            command.env("GIT_PROTOCOL", protocol);
        }
        command.arg(self.service.as_str());
        match self.service {
            // Strict: only the directory itself, not `DIR.git` or `DIR/.git`.
            Service::UploadPack => command.args(["--strict", "--", "."]),
            Service::ReceivePack => command.args(["--", "."]),
            Service::UploadArchive => command.arg("."),
        };
        command
    }
}

/// A directory without hooks.
const NO_HOOKS: (&str, &str) = ("core.hooksPath", "/dev/null");

/// Sets the environment of a git command: built from nothing, with pinned configuration.
fn pin(command: &mut Command, more: &[(&str, &str)]) {
    command
        .env_clear()
        .env("PATH", SAFE_PATH)
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_CONFIG_COUNT", (PINNED.len() + more.len()).to_string());
    for (index, (key, value)) in PINNED.iter().chain(more).enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
    }
}

/// Creates an empty bare repository at `directory`, without a template.
///
/// # Errors
/// git's message, on one line.
pub fn init(
    config: &crate::config::Config,
    format: crate::config::ObjectFormat,
    directory: &Path,
) -> Result<(), String> {
    let mut command = Command::new(&config.paths.git);
    pin(&mut command, &[NO_HOOKS]);
    command
        .args(["init", "--quiet", "--bare", "--template="])
        .arg(format!("--initial-branch={}", config.git.default_branch))
        .arg(format!("--object-format={format}"))
        .arg("--")
        .arg(directory)
        .current_dir("/");
    run(&mut command)
}

/// Packs the repository at `directory` and deletes objects that have been unreachable for two weeks (git-gc(1)).
///
/// # Errors
/// git's message.
pub fn maintain(git: &Path, directory: &Path) -> Result<(), String> {
    let mut command = Command::new(git);
    pin(&mut command, &[NO_HOOKS]);
    command.args(["--git-dir=.", "gc", "--quiet"]).current_dir(directory);
    run(&mut command)
}

/// The blobs of reachable history with fewer than `limit` bytes, each with its id.
///
/// # Errors
/// git's message.
pub fn small_blobs(git: &Path, directory: &Path, limit: u64) -> Result<Vec<(String, Vec<u8>)>, String> {
    let ask = |words: &[&str], input: &[u8]| -> Result<Vec<u8>, String> {
        let mut command = Command::new(git);
        pin(&mut command, &[NO_HOOKS]);
        command.arg("--git-dir=.").args(words).current_dir(directory);
        output_of(&mut command, input)
    };
    let reachable = ask(&["rev-list", "--objects", "--all", "--no-object-names"], b"")?;
    let sizes = ask(&["cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"], &reachable)?;
    let mut wanted = String::new();
    for line in String::from_utf8_lossy(&sizes).lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [id, "blob", size] if size.parse::<u64>().is_ok_and(|size| size < limit) => {
                wanted.push_str(id);
                wanted.push('\n');
            }
            _ => {}
        }
    }
    let answer = ask(&["cat-file", "--batch"], wanted.as_bytes())?;
    let mut rest = answer.as_slice();
    let mut blobs = Vec::new();
    // `ID blob SIZE`, newline, the bytes, newline.
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (head, body) = rest.split_at(end);
        let head = String::from_utf8_lossy(head).into_owned();
        let words: Vec<&str> = head.split(' ').collect();
        let [id, "blob", size] = words.as_slice() else { return Err(format!("git cat-file says {head}")) };
        let size: usize = size.parse().map_err(|_| format!("git cat-file says {head}"))?;
        let text = body.get(1..=size).ok_or("the output of git cat-file ends early")?;
        blobs.push(((*id).to_owned(), text.to_vec()));
        rest = body.get(size + 2..).unwrap_or_default();
    }
    Ok(blobs)
}

/// Runs git with this standard input and waits for it. Returns its output.
fn output_of(command: &mut Command, input: &[u8]) -> Result<Vec<u8>, String> {
    use std::io::Write;
    use std::process::Stdio;
    let text = |error: io::Error| error.to_string();
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(text)?;
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // git answers while it reads. Writing everything before reading could block for ever.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        let output = child.wait_with_output().map_err(text)?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
        }
    })
}

/// A path, quoted for the shell that git starts.
fn shell_quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}

/// Runs git and waits for it.
fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(std::process::Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

/// Becomes `command` in the directory of `repository`. Returns only on failure.
#[must_use]
pub fn exec_git(mut command: Command, repository: impl AsFd) -> io::Error {
    match nix::unistd::fchdir(repository.as_fd()) {
        Ok(()) => command.exec(),
        Err(errno) => errno.into(),
    }
}

/// Whether a value of `GIT_PROTOCOL` looks like a protocol: `version=2`, or several such words separated by colons.
fn is_protocol(value: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"=:._-".contains(byte);
    (1..=64).contains(&value.len()) && value.iter().all(plain)
}

#[cfg(test)]
mod tests;
