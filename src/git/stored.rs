//! git on a stored repository, for the operator's commands.
//!
//! The git of a push can write every file of its repository, so its configuration may name programs. Two layers keep
//! them from running. The configuration is replaced by hubgate's own before git reads it. And git runs in the sandbox,
//! because a push could change the file again at any moment.

mod proposals;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use sha2::{Digest, Sha256};

use super::objects::{next_blob, short_lines, small_blob};
use super::{BRIEF, NO_HOOKS, output_of, pin, pin_checks};
use crate::bounded;
use crate::child::{self, Ended, Limits, Terminal};
use crate::config::{Config, ObjectFormat};
use crate::log::{self, Level, Line};
use crate::push::MARK;
use crate::sandbox::{self, Plan};

/// What git may take to read or write all objects of a repository.
pub(super) const LONG: Limits =
    Limits { time: Duration::from_secs(24 * 3_600), output: u64::MAX, terminal: Terminal::Closed };

/// A stored repository whose configuration is hubgate's.
#[derive(Debug)]
pub struct StoredRepository<'a> {
    pub(super) config: &'a Config,
    pub(super) place: &'a Path,
    directory: File,
}

impl<'a> StoredRepository<'a> {
    /// Opens the bare repository at `place`. Replaces its configuration if it is not hubgate's, and logs that.
    ///
    /// # Errors
    /// What is wrong with the directory.
    pub fn open(config: &'a Config, place: &'a Path, format: ObjectFormat) -> Result<Self, String> {
        let directory = File::open(place).map_err(|error| error.to_string())?;
        let replaced = replace_configuration(place, format).map_err(|error| format!("its configuration: {error}"))?;
        for name in replaced {
            let cause = format!("{name} is not as hubgate wrote it: it is now {name}.replaced");
            let line = Line::default().field("sid", "none").field("decision", "fault").field("cause", cause);
            log::send(&config.log.socket, log::PROGRAM, Level::Error, &line.field("directory", place.display()));
        }
        Ok(Self { config, place, directory })
    }

    /// Packs the repository and deletes objects that have been unreachable for two weeks (git-gc(1)).
    ///
    /// # Errors
    /// git's message.
    pub fn maintain(&self) -> Result<(), String> {
        self.write(&["gc", "--quiet"], LONG)
    }

    /// Packs the repository and deletes every unreachable object. Checks afterwards that no ref lacks an object.
    ///
    /// # Errors
    /// git's message.
    pub fn prune_now(&self) -> Result<(), String> {
        self.write(&["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"], LONG)?;
        self.write(&["gc", "--quiet", "--prune=now"], LONG)?;
        self.check_connectivity(&[])
    }

    /// Its directory.
    #[must_use]
    pub fn place(&self) -> &Path {
        self.place
    }

    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }

    /// The names of all refs, one a line.
    ///
    /// # Errors
    /// git's message.
    pub fn refs(&self) -> Result<Vec<u8>, String> {
        self.read(&["for-each-ref", "--format=%(refname)"], LONG)
    }

    /// A hash of all refs and of what they name.
    ///
    /// # Errors
    /// git's message.
    pub fn hash_of_refs(&self) -> Result<[u8; 32], String> {
        self.confined(Plan::fetch(&[&self.config.paths.git]), || {
            let mut hasher = Sha256::new();
            let read = |output: &mut (dyn BufRead + Send)| loop {
                let length = match output.fill_buf()? {
                    [] => return Ok(()),
                    bytes => {
                        hasher.update(bytes);
                        bytes.len()
                    }
                };
                output.consume(length);
            };
            let mut list = self.command(&["for-each-ref", "--format=%(objectname) %(refname)"]);
            succeeded(child::ask(&mut list, LONG, |_| Ok(()), read)?)?;
            Ok::<_, io::Error>(hasher.finalize().into())
        })
    }

    /// The refs that are neither branches nor tags. Clients can push no such ref.
    ///
    /// # Errors
    /// git's message.
    pub fn other_refs(&self) -> Result<Vec<String>, String> {
        let names = self.refs()?;
        let is_other = |name: &&str| !name.starts_with("refs/heads/") && !name.starts_with("refs/tags/");
        Ok(String::from_utf8_lossy(&names).lines().filter(is_other).map(str::to_owned).collect())
    }

    /// Points HEAD to a branch, which then follows no push. `branch` is a whole name, such as `refs/heads/main`.
    ///
    /// # Errors
    /// git's message.
    pub fn choose_head(&self, branch: &str) -> Result<(), String> {
        self.write(&["symbolic-ref", "HEAD", branch], BRIEF)?;
        self.mark_head().map_err(|error| error.to_string())
    }

    /// Marks the branch of HEAD as chosen, so that it follows no push.
    ///
    /// # Errors
    /// The mark cannot be written.
    pub fn mark_head(&self) -> io::Result<()> {
        // The git of a push can write here, so the file is opened through no link.
        let flags = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IRGRP;
        openat(&self.directory, MARK, flags, mode).map(drop).map_err(io::Error::from)
    }

    /// The branch that HEAD names, and whether it exists. `None` if HEAD names no branch.
    ///
    /// # Errors
    /// git's message.
    pub fn default_branch(&self) -> Result<Option<(String, bool)>, String> {
        let Some(name) = self.head_ref()? else { return Ok(None) };
        let Some(branch) = name.strip_prefix("refs/heads/") else { return Ok(None) };
        Ok(Some((branch.to_owned(), self.has_ref(&name)?)))
    }

    /// Whether a ref exists.
    ///
    /// # Errors
    /// git's message.
    pub fn has_ref(&self, name: &str) -> Result<bool, String> {
        // git-show-ref(1), --quiet: no message means that there is no such ref.
        match self.read(&["show-ref", "--verify", "--quiet", "--", name], BRIEF) {
            Ok(_) => Ok(true),
            Err(said) if said.is_empty() => Ok(false),
            Err(said) => Err(said),
        }
    }

    /// Whether the repository has no ref.
    ///
    /// # Errors
    /// git's message.
    pub fn is_empty(&self) -> Result<bool, String> {
        self.read(&["for-each-ref", "--count=1"], BRIEF).map(|refs| refs.is_empty())
    }

    /// Checks every object.
    ///
    /// # Errors
    /// git's message.
    pub fn check(&self) -> Result<(), String> {
        self.read(&["fsck", "--no-dangling", "--no-progress"], LONG).map(drop)
    }

    /// Checks that every object is present that a ref needs. `allowed` are ids of faults (git-fsck(1)).
    ///
    /// # Errors
    /// git's message.
    pub fn check_connectivity(&self, allowed: &[String]) -> Result<(), String> {
        let words = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"];
        let run = || output_of(&mut self.command_allowing(&words, allowed), LONG);
        self.confined(Plan::fetch(&[&self.config.paths.git]), run).map(drop)
    }

    /// What HEAD names: a ref, followed by ` (empty)` if the repository has no refs. `detached` if HEAD names no ref.
    ///
    /// # Errors
    /// git's message, for example if the directory is not a repository.
    pub fn head(&self) -> Result<String, String> {
        let is_empty = self.is_empty()?;
        let name = self.head_ref()?.unwrap_or_else(|| "detached".to_owned());
        Ok(if is_empty { format!("{name} (empty)") } else { name })
    }

    fn head_ref(&self) -> Result<Option<String>, String> {
        match self.read(&["symbolic-ref", "--quiet", "HEAD"], BRIEF) {
            Ok(name) => Ok(Some(String::from_utf8_lossy(&name).trim_end().to_owned())),
            // git-symbolic-ref(1), --quiet: no message means that HEAD is detached.
            Err(said) if said.is_empty() => Ok(None),
            Err(said) => Err(said),
        }
    }

    /// Calls `each` for the blobs of reachable history with fewer than `limit` bytes, with the id and the bytes of
    /// each.
    ///
    /// # Errors
    /// git's message.
    pub fn small_blobs(&self, limit: u64, mut each: impl FnMut(String, Vec<u8>) + Send) -> Result<(), String> {
        // git's output goes from one git to the next, so memory does not grow with history.
        self.confined(Plan::fetch(&[&self.config.paths.git]), || {
            let list = ["rev-list", "--objects", "--all", "--no-object-names"];
            let format = "--batch-check=%(objectname) %(objecttype) %(objectsize)";
            let ids = |ids: &mut dyn Write| copied(&mut self.command(&list), |line| writeln!(ids, "{line}"));
            let small = |small: &mut dyn Write| {
                let read = |sizes: &mut (dyn BufRead + Send)| {
                    short_lines(sizes, |line| match small_blob(line, &(0..limit)) {
                        Some(id) => writeln!(small, "{id}"),
                        None => Ok(()),
                    })
                };
                succeeded(child::ask(&mut self.command(&["cat-file", "--buffer", format]), LONG, ids, read)?)
            };
            let read = |blobs: &mut (dyn BufRead + Send)| {
                while let Some((id, bytes)) = next_blob(blobs, limit)? {
                    each(id, bytes);
                }
                Ok(())
            };
            succeeded(child::ask(&mut self.command(&["cat-file", "--buffer", "--batch"]), LONG, small, read)?)
        })
    }

    fn read(&self, words: &[&str], limits: Limits) -> Result<Vec<u8>, String> {
        self.run(words, limits, Plan::fetch(&[&self.config.paths.git]))
    }

    fn write(&self, words: &[&str], limits: Limits) -> Result<(), String> {
        self.run(words, limits, Plan::maintenance(&[&self.config.paths.git])).map(drop)
    }

    fn run(&self, words: &[&str], limits: Limits, plan: Plan<'_>) -> Result<Vec<u8>, String> {
        self.confined(plan, || output_of(&mut self.command(words), limits))
    }

    fn command(&self, words: &[&str]) -> Command {
        self.command_allowing(words, &[])
    }

    /// A command that accepts these faults, by their ids in git-fsck(1), besides the harmless ones.
    fn command_allowing(&self, words: &[&str], allowed: &[String]) -> Command {
        let mut command = Command::new(&self.config.paths.git);
        pin_checks(&mut command, &[NO_HOOKS], "fsck", allowed);
        // A path instead of a working directory: in a static program, Rust starts a child with a directory of its own
        // by fork and a socket pair, which the sandbox refuses.
        command.arg("--git-dir").arg(self.place).args(words);
        command
    }

    fn confined<T: Send, E: ToString + Send>(
        &self,
        plan: Plan<'_>,
        work: impl FnOnce() -> Result<T, E> + Send,
    ) -> Result<T, String> {
        confined(self.config, self.directory(), plan, work)
    }
}

/// Works on a repository in the sandbox. Only the new thread and its children are confined.
pub(crate) fn confined<T: Send, E: ToString + Send>(
    config: &Config,
    directory: BorrowedFd<'_>,
    plan: Plan<'_>,
    work: impl FnOnce() -> Result<T, E> + Send,
) -> Result<T, String> {
    let confined = || {
        sandbox::enter(config.sandbox.mode, directory, &plan).map_err(|error| error.to_string())?;
        work().map_err(|error| error.to_string())
    };
    let outcome = std::thread::scope(|scope| scope.spawn(confined).join());
    outcome.unwrap_or_else(|_| Err("cannot run git".to_owned()))
}

/// Hands each line of a command's output to `write`.
fn copied(command: &mut Command, write: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
    let read = |lines: &mut (dyn BufRead + Send)| short_lines(lines, write);
    succeeded(child::ask(command, LONG, |_| Ok(()), read)?)
}

/// Whether git ended well and its output was read to the end.
fn succeeded(ended: Ended<io::Result<()>>) -> io::Result<()> {
    if !ended.status.success() {
        let said = if ended.said.is_empty() { ended.status.to_string() } else { ended.said };
        return Err(io::Error::other(said));
    }
    ended.read
}

/// The configuration of a repository: what `git init --bare` writes (git 2.39.5 and 2.47.3).
fn configuration(format: ObjectFormat, has_reftable: bool) -> String {
    let mut extensions = String::new();
    if format == ObjectFormat::Sha256 {
        extensions += "\tobjectformat = sha256\n";
    }
    if has_reftable {
        extensions += "\trefstorage = reftable\n";
    }
    let (version, section) = if extensions.is_empty() { (0, "") } else { (1, "[extensions]\n") };
    format!("[core]\n\trepositoryformatversion = {version}\n\tfilemode = true\n\tbare = true\n{section}{extensions}")
}

/// Puts [`configuration`] in place if another one is there. Returns the names of the files that it has renamed.
fn replace_configuration(place: &Path, format: ObjectFormat) -> io::Result<Vec<&'static str>> {
    let mut replaced = Vec::new();
    let mut rename = |name| match fs::rename(place.join(name), place.join(format!("{name}.replaced"))) {
        Ok(()) => {
            replaced.push(name);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    };
    // The file names a directory whose configuration git reads in place of the repository's (gitrepository-layout(5)).
    rename("commondir")?;
    let expected = configuration(format, place.join("reftable").is_dir());
    let config = place.join("config");
    if !is_text(&config, &expected) {
        rename("config")?;
        let new = place.join("config.new");
        let _ = fs::remove_file(&new);
        File::create_new(&new)?.write_all(expected.as_bytes())?;
        fs::rename(new, config)?;
    }
    Ok(replaced)
}

/// Whether a path is a file with this text. Follows no link and does not wait for a named pipe.
fn is_text(path: &Path, expected: &str) -> bool {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits()).open(path);
    opened.and_then(|file| bounded::read(file, expected.len() as u64)).is_ok_and(|text| text == expected.as_bytes())
}

/// The object format of a repository that hubgate did not create, from its configuration.
///
/// # Errors
/// git's message, or the extension that hubgate does not support.
pub fn foreign_format(git: &Path, place: &Path) -> Result<ObjectFormat, String> {
    let config = place.join("config");
    if !config.symlink_metadata().is_ok_and(|file| file.is_file()) {
        return Err("it has no configuration: it is not a repository".to_owned());
    }
    let mut command = Command::new(git);
    pin(&mut command, &[NO_HOOKS]);
    // git reads only this file, and no repository.
    command.env("GIT_DIR", "/dev/null").args(["config", "--no-includes", "--file"]).arg(config);
    let said = match output_of(command.args(["--get-regexp", "^extensions\\."]).current_dir("/"), BRIEF) {
        // git-config(1): no message means that no key matches.
        Err(said) if said.is_empty() => Vec::new(),
        said => said?,
    };
    let mut format = ObjectFormat::Sha1;
    for line in String::from_utf8_lossy(&said).lines() {
        match line.split_once(' ') {
            Some(("extensions.objectformat", name)) => {
                format = name.parse().map_err(|_| format!("its object format {name} is not supported"))?;
            }
            Some(("extensions.refstorage", "files" | "reftable")) => {}
            _ => return Err(format!("its setting {line} is not supported")),
        }
    }
    Ok(format)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Planting = fn(&Path);

    #[test]
    fn the_configuration_is_what_git_init_writes() {
        for git in ["/usr/bin/git", "/usr/local/bin/git"].map(Path::new).into_iter().filter(|git| git.exists()) {
            for format in ObjectFormat::ALL {
                let directory = tempfile::tempdir().unwrap();
                let mut command = Command::new(git);
                pin(&mut command, &[NO_HOOKS]);
                let init = ["init", "--quiet", "--bare", "--template=", "--object-format", format.as_str(), "."];
                output_of(command.args(init).current_dir(directory.path()), BRIEF).unwrap();
                let text = fs::read_to_string(directory.path().join("config")).unwrap();
                assert_eq!(text, configuration(*format, false), "{} {format}", git.display());
                assert_eq!(foreign_format(git, directory.path()), Ok(*format));
                assert_eq!(replace_configuration(directory.path(), *format).unwrap(), [""; 0]);
            }
        }
    }

    #[test]
    fn another_configuration_is_replaced_and_kept_whatever_it_is() {
        let expected = configuration(ObjectFormat::Sha1, false);
        let plants: [(&str, Planting); 5] = [
            ("a key more", |path| fs::write(path, "[core]\n\tbare = true\n[x]\n\ty = z\n").unwrap()),
            ("a line more", |path| fs::write(path, configuration(ObjectFormat::Sha1, false) + "\n").unwrap()),
            ("a link", |path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap()),
            ("a directory", |path| fs::create_dir(path).unwrap()),
            ("a pipe", |path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap()),
        ];
        for (what, plant) in plants {
            let directory = tempfile::tempdir().unwrap();
            plant(&directory.path().join("config"));
            fs::write(directory.path().join("commondir"), "/elsewhere\n").unwrap();
            let replaced = replace_configuration(directory.path(), ObjectFormat::Sha1).unwrap();
            assert_eq!(replaced, ["commondir", "config"], "{what}");
            assert_eq!(fs::read_to_string(directory.path().join("config")).unwrap(), expected, "{what}");
            assert!(directory.path().join("config.replaced").symlink_metadata().is_ok(), "{what}");
            assert_eq!(replace_configuration(directory.path(), ObjectFormat::Sha1).unwrap(), [""; 0]);
        }
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(replace_configuration(directory.path(), ObjectFormat::Sha256).unwrap(), [""; 0]);
        assert!(fs::read_to_string(directory.path().join("config")).unwrap().ends_with("objectformat = sha256\n"));
        // What cannot be renamed is not left in place.
        fs::write(directory.path().join("commondir"), "/elsewhere\n").unwrap();
        fs::create_dir(directory.path().join("commondir.replaced")).unwrap();
        assert!(replace_configuration(directory.path(), ObjectFormat::Sha256).is_err());
    }

    #[test]
    fn a_repository_with_an_unknown_extension_is_not_adopted() {
        let directory = tempfile::tempdir().unwrap();
        let format = |text: &str| {
            fs::write(directory.path().join("config"), text).unwrap();
            foreign_format(Path::new("/usr/bin/git"), directory.path())
        };
        let partial = format("[core]\n\tbare = true\n[extensions]\n\tpartialClone = origin\n");
        assert_eq!(partial, Err("its setting extensions.partialclone origin is not supported".to_owned()));
        assert!(format("[extensions\n").is_err_and(|said| said.contains("bad config")));
        assert_eq!(format("[core]\n\tbare = true\n[include]\n\tpath = /dev/zero\n"), Ok(ObjectFormat::Sha1));
    }
}
