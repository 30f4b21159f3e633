//! The roles of this program when it starts itself again: creates a database, writes, reads.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, ExitCode, Stdio};

use hubgate::access::{Removal, Scope, Visibility};
use hubgate::config::ObjectFormat;
use hubgate::db::{Change, ChangeError, NewKey, NewRepository, Opens, OwnerKind, Reader, Store};
use hubgate::name::{Owner, Title};
use hubgate::repository::Directory;
use nix::sys::stat::{Mode, umask};
use std::os::unix::process::CommandExt;

use crate::hub::{Hub, KEYS};
use crate::model::{self, Step, USERS};

/// The first argument of such a start.
pub(crate) const WORD: &str = "--child";

/// The directory of the only repository.
pub(crate) fn repository() -> Directory {
    Directory::of_id(0x1234)
}

/// Runs the role.
pub(crate) fn main(role: &str, words: &[&str]) -> ExitCode {
    umask(Mode::from_bits_truncate(0o027));
    let outcome = match (role, words) {
        ("make", [database]) => make(Path::new(database)).map_err(|error| error.to_string()),
        ("write", [database, manner, done]) => done
            .parse()
            .map_err(|_| "a number".to_owned())
            .and_then(|done| write(Path::new(database), *manner == "reopen", done).map_err(|error| error.to_string())),
        ("ask", [database]) => answer_questions(Path::new(database)).map_err(|error| error.to_string()),
        _ => Err(format!("no such role: {role} {words:?}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{role}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn make(database: &Path) -> Result<(), ChangeError> {
    let mut store = Store::create(database)?;
    store.change("crash", |change| {
        for user in 0..USERS {
            change.add_owner(OwnerKind::User, &model::owner(user), true)?;
        }
        add_key(change, 0)?;
        let new = NewRepository {
            path: "u0/x".parse().expect("a path"),
            directory: repository(),
            visibility: Visibility::Public,
            object_format: ObjectFormat::Sha1,
            description: String::new(),
            created_by: None,
        };
        change.add_repository(&new)
    })?;
    Ok(())
}

fn add_key(change: &Change<'_>, number: u64) -> Result<(), ChangeError> {
    let title: Title = format!("key {number}").parse().expect("a title");
    let key = model::key(number);
    let new = NewKey { key: &key, title: &title, scope: Scope::Write, expires_at: None, sources: None };
    change.add_key(&model::owner(number), &new).map(drop)
}

/// Makes changes after the first `done` ones until it is killed. With `reopen`, it opens the database for each change,
/// as `hubgate` does. It writes the number of safe changes to the file at standard output.
fn write(database: &Path, reopen: bool, mut done: u64) -> Result<(), ChangeError> {
    let stdout = std::io::stdout().as_fd().try_clone_to_owned().map(File::from).expect("standard output");
    let report = |done: u64| stdout.write_all_at(&done.to_le_bytes(), 0).expect("a report");
    let mut store = Store::open(database)?;
    // The previous writer may have been killed between its change and its report.
    let is_made = match model::step(done) {
        Step::Add(number) => store.view().key(&model::key(number).fingerprint()).is_ok(),
        Step::Remove(number) => store.view().key(&model::key(number).fingerprint())?.removal.is_some(),
    };
    done += u64::from(is_made);
    report(done);
    loop {
        store.change("crash", |change| match model::step(done) {
            Step::Add(number) => add_key(change, number),
            Step::Remove(number) => change.remove_key(&model::key(number).fingerprint(), Removal::Ordinary).map(drop),
        })?;
        done += 1;
        report(done);
        if reopen {
            drop(store);
            store = Store::open(database)?;
        }
    }
}

/// For each number that it reads, answers with one line: the name of an account, `-`, or `! ` and an error.
fn answer_questions(database: &Path) -> std::io::Result<()> {
    let (mut input, mut output) = (std::io::stdin(), std::io::stdout());
    let mut number = [0; 8];
    while input.read_exact(&mut number).is_ok() {
        let key = model::key(u64::from_le_bytes(number)).fingerprint();
        let line = match Reader::open(database).and_then(|reader| reader.ask(|view| view.key_holder(&key))) {
            Ok(Some(Opens::Account(owner))) => owner.to_string(),
            Ok(Some(Opens::Repository)) => "! a repository's".to_owned(),
            Ok(None) => "-".to_owned(),
            Err(error) => format!("! {error} ({error:?})").replace('\n', " "),
        };
        let length = u16::try_from(line.len()).unwrap_or(u16::MAX);
        output.write_all(&length.to_le_bytes())?;
        output.write_all(line.as_bytes().get(..length.into()).unwrap_or_default())?;
        output.flush()?;
    }
    Ok(())
}

/// A process that queries the database, with the uid that can only read.
#[derive(Debug)]
pub(crate) struct Asker {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

impl Asker {
    pub(crate) fn new(hub: &Hub) -> Self {
        let mut command = hub.child("ask");
        command.uid(KEYS).gid(KEYS).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a reader");
        let (to, from) = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        Self { child, to, from }
    }

    /// The account that has a key.
    pub(crate) fn ask(&mut self, key: u64) -> Result<Option<Owner>, String> {
        self.to.write_all(&key.to_le_bytes()).expect("a question");
        let mut length = [0; 2];
        self.from.read_exact(&mut length).expect("an answer");
        let mut line = vec![0; u16::from_le_bytes(length).into()];
        self.from.read_exact(&mut line).expect("an answer");
        let line = String::from_utf8_lossy(&line).into_owned();
        match line.strip_prefix("! ") {
            Some(error) => Err(format!("about key {key}: {error}")),
            None if line == "-" => Ok(None),
            None => Ok(Some(line.parse().expect("a name"))),
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
