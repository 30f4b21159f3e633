//! git: the command that serves a repository in an environment built from nothing, and the `exec` that becomes git.
//!
//! The small programs start git only here.

#[cfg(feature = "operator")]
pub mod import;
pub mod objects;
#[cfg(feature = "operator")]
pub mod pack;
#[cfg(feature = "operator")]
pub mod stored;

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::child::{self, Limits, Terminal};
use crate::request::Service;

/// Where git and its children look for programs.
pub const SAFE_PATH: &str = "/usr/bin:/bin";

/// Pinned settings. They outrank the repository's own configuration, because git treats them as given on the command
/// line.
///
/// Nothing planted in a repository runs: neither its hooks nor commands in its configuration. `safe.directory` accepts
/// `.` in git 2.39.5 to 2.47.3; 2.39.5 did not accept an absolute path.
const PINNED: [(&str, &str); 26] = [
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
    // The push hook refuses that, with hubgate's own sentence, unless HEAD can follow.
    ("receive.denyDeleteCurrent", "ignore"),
    // The hook proc-receive decides about every ref, so that one refused ref does not refuse the others.
    ("receive.procReceiveRefs", "refs"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    // Protocol v2 serves every object by id, and git has no switch for that. Versions 0 and 1 do the same, because a
    // partial clone and a shallow submodule need it. `false` would also forbid ids of reachable objects.
    ("uploadpack.allowAnySHA1InWant", "true"),
    ("uploadpack.allowFilter", "true"),
    ("uploadpackfilter.allow", "false"),
    ("uploadpackfilter.blob:none.allow", "true"),
    ("uploadpackfilter.blob:limit.allow", "true"),
    ("uploadpackfilter.tree.allow", "true"),
    // git visits a tree once for each depth. For 377,000 objects in trees of 21 levels, a depth of 4 took the 0.08 s
    // that `blob:none` took, and a depth of 16 took 1.0 s.
    ("uploadpackfilter.tree.maxDepth", "4"),
    // `combine` stays refused: `combine:blob:none+tree:1` visits every tree of every commit, which took 38 s there.
    ("uploadpackfilter.object:type.allow", "true"),
    ("pack.windowMemory", "256m"),
    // git runs these programs on a push certificate even if it advertises none. The push hook rejects certificates.
    ("gpg.program", "false"),
    ("gpg.x509.program", "false"),
    ("gpg.ssh.program", "false"),
];

/// Faults of old commits and trees that git-fsck(1) reports and that harm nobody: well-known projects have them, and
/// git and libgit2 read them all in one way. A push and an import accept them, and refuse all others.
///
/// - `badTimezone`: a zone such as `-700`, which git reads as -7:00.
/// - `missingSpaceBeforeEmail`, `missingNameBeforeEmail`, `missingSpaceBeforeDate`, `zeroPaddedDate`: `<` and `>` tell
///   the name, the address and the date apart.
/// - `multipleAuthors`: the first author counts.
/// - `zeroPaddedFilemode`: the mode `040000` in place of `40000`.
///
/// `.git`, `..` and the like in a tree, doubled or unsorted entries and NUL in a commit are not harmless, because two
/// programs can read them in two ways.
const HARMLESS: [&str; 7] = [
    "badTimezone",
    "missingNameBeforeEmail",
    "missingSpaceBeforeDate",
    "missingSpaceBeforeEmail",
    "multipleAuthors",
    "zeroPaddedDate",
    "zeroPaddedFilemode",
];

/// [`pin`] for a git that checks objects by the settings of `section`: `receive.fsck`, `fetch.fsck` or `fsck`. It
/// accepts [`HARMLESS`] faults and those in `allowed`.
fn pin_checks(command: &mut Command, more: &[(&str, &str)], section: &str, allowed: &[String]) {
    let faults = HARMLESS.iter().copied().chain(allowed.iter().map(String::as_str));
    let names: Vec<String> = faults.map(|fault| format!("{section}.{fault}")).collect();
    let settings = names.iter().map(|name| (name.as_str(), "ignore"));
    pin(command, &more.iter().copied().chain(settings).collect::<Vec<_>>());
}

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
                let more = [("core.hooksPath", hooks.as_ref()), ("receive.maxInputSize", &push_bytes), threads];
                pin_checks(&mut command, &more, "receive.fsck", &[]);
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
        .current_dir("/")
        // git 3 has another default; older versions than 2.45 do not know the variable.
        .env("GIT_DEFAULT_REF_FORMAT", "files");
    output_of(&mut command, BRIEF).map(drop)
}

/// What git may take for a question about a few refs or settings.
const BRIEF: Limits = Limits { time: Duration::from_secs(600), output: 256 << 20, terminal: Terminal::Closed };

/// Runs git and returns its output. The error is git's message.
fn output_of(command: &mut Command, limits: Limits) -> Result<Vec<u8>, String> {
    output_for(command, limits, b"")
}

/// Runs git with this input, and returns its output. The error is git's message.
fn output_for(command: &mut Command, limits: Limits, input: &[u8]) -> Result<Vec<u8>, String> {
    let ended = child::output_for(command, limits, input).map_err(|error| error.to_string())?;
    if ended.status.success() {
        return Ok(ended.read);
    }
    // Without a message, git's status 1 is an answer, such as "no match". A signal is not.
    let is_silent = ended.said.is_empty() && ended.status.code() != Some(1);
    Err(if is_silent { ended.status.to_string() } else { ended.said })
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
