//! `hubgate import`: accounts, keys and grants of another git server, in one change. It guesses nothing, and lists what
//! it cannot import.

mod authorized_keys;
mod conf;
mod gitolite;
mod history;
mod kind;
mod map;
mod outcome;

use std::fs::File;
use std::io;
use std::path::Path;

use super::backup::STREAM;
use super::cli::{ImportCommand, ImportKeys};
use super::context::Context;
use super::failure::Failure;
use crate::bounded;
use crate::db::Change;
use crate::report::Report;
use crate::tree::Tree;

use authorized_keys::BadLine;
use kind::Kind;
use map::Map;
use outcome::{KeyTerms, Outcome, Terms, finish};

/// The longest file of keys, in bytes.
const FILE_MAX: u64 = 64 << 20;

pub(super) fn run(command: ImportCommand, config: &Path) -> Result<Report, Failure> {
    match command {
        ImportCommand::AuthorizedKeys(command) => import_keys(&command, config),
        ImportCommand::Gitolite(command) => gitolite::run(&command, config),
    }
}

/// `hubgate import authorized-keys`
fn import_keys(command: &ImportKeys, config: &Path) -> Result<Report, Failure> {
    let is_input = command.file == Path::new(STREAM);
    let shown = if is_input { "standard input".to_owned() } else { command.file.display().to_string() };
    // Opened before root privileges are dropped.
    let text = if is_input { bounded::read(std::io::stdin(), FILE_MAX) } else { read(&command.file) };
    let text = text.map_err(|error| Failure::File(shown.clone(), error))?;
    let map = command.map.as_deref().map_or_else(|| Ok(Map::default()), read_map)?;
    let mut context = Context::open(config)?;
    let terms =
        KeyTerms { user: command.user.as_ref(), map: &map, merge: command.merge, may_create: !command.no_create };
    let steps = |change: &Change<'_>| {
        let mut outcome = Outcome::default();
        if let Some(user) = &command.user {
            change.user(user)?;
        }
        for (index, bytes) in text.split(|byte| *byte == b'\n').enumerate() {
            let at = format!("{shown}:{}", index + 1);
            let line = authorized_keys::parse(bytes).and_then(|line| match line {
                Some(line) if command.plain => line.in_plain_form().map(Some),
                line => Ok(line),
            });
            match line {
                Ok(None) => {}
                Ok(Some(line)) => outcome.take_line(change, at, &line, &terms)?,
                Err(BadLine::Dsa(holder)) => {
                    let user = command.user.as_ref().map(ToString::to_string);
                    outcome.leave(Kind::Dsa, at, user.unwrap_or(holder));
                }
                Err(BadLine::Other(why)) => outcome.leave(Kind::BadLine, at, why),
            }
        }
        Ok(outcome)
    };
    let terms = Terms { dry_run: command.dry_run, verbose: command.verbose };
    finish(&mut context, terms, steps)
}

/// The content of a file that the operator names.
fn read(file: &Path) -> io::Result<Vec<u8>> {
    let opened = if is_descriptor(file) { File::open(file) } else { Tree::file_at(file) };
    opened.and_then(|file| bounded::read(file, FILE_MAX))
}

fn read_map(file: &Path) -> Result<Map, Failure> {
    let shown = file.display().to_string();
    let text = read(file).map_err(|error| Failure::File(shown.clone(), error))?;
    let text = String::from_utf8(text).map_err(|_| Failure::Refused(format!("{shown}: it is not UTF-8")))?;
    Map::parse(&text).map_err(|why| Failure::Refused(format!("{shown}: {why}")))
}

/// Whether a path names what this process has open, as a shell writes `<(COMMAND)`. No stranger can write there.
pub(super) fn is_descriptor(file: &Path) -> bool {
    ["/dev/fd", "/proc/self/fd"].iter().any(|directory| file.parent() == Some(Path::new(directory)))
        || file == Path::new("/dev/stdin")
}
