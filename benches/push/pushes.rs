//! Pushes, made once and recorded as a client sends them: the names of the refs, and a pack.

use std::fmt::Write as _;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Outcome;
use super::interrupt;
use super::machine::gits;
use super::place::{Place, run};
use super::samples::Random;

/// Who makes the commits.
const PERSON: &str = "Bench <bench@example.org>";
/// When the first commit was made, in seconds since 1970.
const START: usize = 1_600_000_000;
/// The files of each directory of the first push, and of each of the history.
const FILES: usize = 100;
/// The lower directories of the history, in as many upper ones.
const DIRECTORIES: usize = 30;
/// The files of each lower directory of the history.
const FILES_OF_HISTORY: usize = 10;
/// The files that each commit of the history changes.
const CHANGES: usize = 3;
/// About how many objects such a commit has: the blobs, their directories in two levels, the uppermost one, itself.
const OBJECTS_OF_CHANGE: usize = 3 * CHANGES + 2;

/// A recorded push of `refs/heads/main` to an empty repository.
pub(crate) struct Push {
    /// The file with the bytes.
    pub(crate) request: PathBuf,
    pub(crate) tip: String,
    pub(crate) objects: u32,
}

/// One commit with about so many objects: files in sizes from 60 bytes to 7 KB, a hundred in each directory. Every
/// tenth name has capitals, and some have more than ASCII.
pub(crate) fn files(place: &Place, objects: usize) -> Outcome<Push> {
    let source = Source::make(place, "files")?;
    source.import(|stream| {
        let mut random = Random(1);
        commit(stream, 0)?;
        for number in 0..objects - objects / FILES {
            let lines = 2 << random.below(8);
            let name = match number % 50 {
                0 => format!("r\u{e9}sum\u{e9}_{number}.md"),
                10 | 20 | 30 | 40 => format!("ReadMe_{number}.md"),
                _ => format!("module_{number}.rs"),
            };
            change(stream, &format!("package_{:05}/{name}", number / FILES), &text(&mut random, lines))?;
        }
        Ok(())
    })?;
    source.record(place)
}

/// Commits with about so many objects: a first one with 9,000 files of 200 bytes to 4 KB in 900 directories, and
/// further ones that each change a line of three files. This key has signed each commit.
pub(crate) fn history(place: &Place, key: &Path, objects: usize) -> Outcome<Push> {
    let source = Source::make(place, "history")?;
    source.import(|stream| {
        let mut random = Random(2);
        let count = DIRECTORIES * DIRECTORIES * FILES_OF_HISTORY;
        let path = |file: usize| {
            let directory = file / FILES_OF_HISTORY;
            format!("part_{:02}/unit_{:02}/file_{file}.rs", directory / DIRECTORIES, directory % DIRECTORIES)
        };
        let mut files: Vec<Vec<String>> = Vec::new();
        commit(stream, 0)?;
        for file in 0..count {
            let lines = 8 << random.below(5);
            let text = text(&mut random, lines);
            change(stream, &path(file), &text)?;
            files.push(text.split_inclusive('\n').map(str::to_owned).collect());
        }
        for number in 1..objects.saturating_sub(count) / OBJECTS_OF_CHANGE {
            commit(stream, number)?;
            for _ in 0..CHANGES {
                let file = usize::try_from(random.below(u64::try_from(count)?))?;
                if let Some(lines) = files.get_mut(file) {
                    let place = usize::try_from(random.below(u64::try_from(lines.len())?))?;
                    if let Some(line) = lines.get_mut(place) {
                        *line = text(&mut random, 1);
                    }
                    change(stream, &path(file), &lines.concat())?;
                }
            }
        }
        Ok(())
    })?;
    source.sign(key)?;
    source.record(place)
}

/// Begins a commit in the stream of git-fast-import(1).
fn commit(stream: &mut dyn Write, number: usize) -> Outcome {
    interrupt::check()?;
    let at = START + 60 * number;
    writeln!(stream, "commit refs/heads/main\ncommitter {PERSON} {at} +0000\ndata 8\na change")?;
    Ok(())
}

/// A file of the commit that was begun last.
fn change(stream: &mut dyn Write, path: &str, text: &str) -> Outcome {
    writeln!(stream, "M 644 inline {path}\ndata {}\n{text}", text.len())?;
    Ok(())
}

/// Lines of about 28 characters, from a vocabulary in which some words are more frequent than others.
fn text(random: &mut Random, lines: usize) -> String {
    let mut word = || {
        let rank = random.below(1_000).min(random.below(1_000));
        Random(rank).next() >> 44
    };
    (0..lines).fold(String::new(), |mut text, _| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    let {:x} = {:x}.{:x}()?;", word(), word(), word());
        text
    })
}

/// The repository that is pushed.
struct Source {
    git: PathBuf,
    directory: PathBuf,
    name: &'static str,
}

impl Source {
    fn make(place: &Place, name: &'static str) -> Outcome<Self> {
        let git = gits()?.pop().ok_or("no git")?;
        let source = Self { git, directory: place.path(&format!("{name}.git")), name };
        run(Command::new(&source.git).args(["init", "--quiet", "--bare"]).arg(&source.directory))?;
        Ok(source)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.git);
        command.arg("-C").arg(&self.directory).env_clear().env("PATH", "/usr/bin:/bin");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Bench").env(format!("GIT_{role}_EMAIL"), "bench@example.org");
        }
        command
    }

    fn git(&self, words: &[&str]) -> Outcome<String> {
        run(self.command().args(words))
    }

    /// Runs git-fast-import(1) with what `write` writes.
    fn import(&self, write: impl FnOnce(&mut dyn Write) -> Outcome) -> Outcome {
        let mut import = self.command();
        let mut child = import.args(["fast-import", "--quiet"]).stdin(Stdio::piped()).spawn()?;
        let mut stream = BufWriter::new(child.stdin.take().ok_or("no pipe to git")?);
        let written = write(&mut stream).and_then(|()| Ok(stream.flush()?));
        drop(stream);
        let status = child.wait()?;
        written?;
        if status.success() { Ok(()) } else { Err(format!("git fast-import: {status}").into()) }
    }

    /// Makes the commits again with signatures by this key.
    fn sign(&self, key: &Path) -> Outcome {
        let key = key.display().to_string();
        let mut parent = String::new();
        for tree in self.git(&["log", "--reverse", "--format=%T", "main"])?.lines() {
            interrupt::check()?;
            let mut command = self.command();
            command.args(["-c", "gpg.format=ssh", "-c", &format!("user.signingKey={key}"), "commit-tree", "-S"]);
            command.args(["-m", "a change"]).args(if parent.is_empty() { vec![] } else { vec!["-p", &parent] });
            run(command.arg(tree))?.trim().clone_into(&mut parent);
        }
        self.git(&["update-ref", "refs/heads/main", &parent]).map(drop)
    }

    /// Writes the push as a client sends it, with deltas as after a `git gc`.
    fn record(&self, place: &Place) -> Outcome<Push> {
        let tip = self.git(&["rev-parse", "main"])?.trim().to_owned();
        self.git(&["repack", "-q", "-a", "-d", "-f"])?;
        let request = place.path(&format!("{}.push", self.name));
        let update =
            format!("{} {tip} refs/heads/main\0 report-status side-band-64k agent=bench", "0".repeat(tip.len()));
        let mut head = format!("{:04x}{update}0000", update.len() + 4).into_bytes();
        let mut pack = self.command();
        pack.args(["pack-objects", "-q", "--all", "--delta-base-offset", "--stdout"]).stdin(Stdio::null());
        let output = pack.output()?;
        let count = output.stdout.get(8..12).and_then(|bytes| bytes.try_into().ok()).ok_or("git made no pack")?;
        head.extend(output.stdout);
        std::fs::write(&request, head)?;
        Ok(Push { request, tip, objects: u32::from_be_bytes(count) })
    }
}
