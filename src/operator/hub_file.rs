//! `hubgate plan`, `hubgate apply` and `hubgate export --toml`: the hub as a file.
//!
//! A file enters as text and leaves as steps. Each step calls the change that a single command calls. `plan` makes the
//! steps and rolls them back, so that it cannot differ from `apply`.

mod difference;
mod file;
mod rights;
mod step;
#[cfg(test)]
mod tests;
mod write;

use std::cell::RefCell;
use std::fs::File;
use std::path::Path;

use serde_json::json;

use super::backup::STREAM;
use super::cli::{Apply, HubFileArguments};
use super::context::{Context, actor, confirm};
use super::failure::Failure;
use super::import::is_descriptor;
use super::printer::Printer;
use crate::bounded;
use crate::clock::now;
use crate::commands::Refused;
use crate::config::{Config, ObjectFormat};
use crate::db::Change;
use crate::message::Status;
use crate::report::Report;
use crate::repository::{Directory, create_repository};
use crate::tree::Tree;
use crate::word::counted;

use difference::{Reading, steps};
use file::HubFile;
use rights::{Concerned, Rights};
use step::{Action, Directories, Step, changed_since};

/// The longest file, in bytes: a million repositories have about 150 MB.
const FILE_MAX: u64 = 256 << 20;

/// What was changed, or would be.
#[derive(Debug)]
struct Outcome {
    steps: Vec<Step>,
    rights: Rights,
}

/// `hubgate export --toml`
pub(super) fn export(context: &Context, printer: &mut Printer) -> Result<Report, Failure> {
    context.store.read(|view| write::write(view, printer, now()))?;
    Ok(Report::printed(None))
}

/// `hubgate plan`
pub(super) fn plan(arguments: &HubFileArguments, config: &Path) -> Result<Report, Failure> {
    let (mut context, file, reading) = open(arguments, config)?;
    let outcome = rehearse(&mut context, &file, reading)?;
    Ok(outcome.report(false))
}

/// `hubgate apply`
pub(super) fn apply(command: &Apply, config: &Path) -> Result<Report, Failure> {
    let (mut context, file, reading) = open(&command.file, config)?;
    // A refused file creates no directory, and a file without changes starts no transaction.
    let outcome = rehearse(&mut context, &file, reading)?;
    if !outcome.changes() {
        return Ok(outcome.report(true));
    }
    if let Some(question) = outcome.question() {
        confirm(command.confirmation, &question)?;
    }
    let made = make_directories(&context.config, &outcome.new_repositories())?;
    let directories = Directories::Made(RefCell::new(made.clone()));
    let applied = context.change(|change| run_again(change, &file, reading, &directories, &outcome));
    // Directories that no step used belong to no repository.
    let left = match (&applied, directories) {
        (Ok(_), Directories::Made(left)) => left.into_inner(),
        (Err(_), _) | (_, Directories::Rehearsal) => made,
    };
    remove_directories(&context.config, &left);
    Ok(applied?.report(true))
}

fn open(arguments: &HubFileArguments, config: &Path) -> Result<(Context, HubFile, Reading), Failure> {
    let shown = arguments.file.display();
    // Opened before root privileges are dropped, and read as TOML afterwards. It may lie in a working copy of git: a
    // link is not followed.
    let text = if arguments.file == Path::new(STREAM) {
        bounded::read_text(std::io::stdin(), FILE_MAX)
    } else if is_descriptor(&arguments.file) {
        File::open(&arguments.file).and_then(|file| bounded::read_text(file, FILE_MAX))
    } else {
        Tree::file_at(&arguments.file).and_then(|file| bounded::read_text(file, FILE_MAX))
    };
    let text = text.map_err(|error| Failure::File(shown.to_string(), error))?;
    let context = Context::open(config)?;
    let file = HubFile::parse(&text).map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
    let reading = Reading {
        prune: arguments.prune,
        create_users: arguments.create_users,
        object_format: context.config.git.object_format,
    };
    Ok((context, file, reading))
}

fn rehearse(context: &mut Context, file: &HubFile, reading: Reading) -> Result<Outcome, Refused> {
    context.store.rehearse(&actor(), |change| run(change, file, reading, &Directories::Rehearsal))
}

/// Makes the steps, and compares what each identity may do before and after.
fn run(change: &Change<'_>, file: &HubFile, reading: Reading, directories: &Directories) -> Result<Outcome, Refused> {
    let steps = steps(change, file, reading, change.now)?;
    let concerned = Concerned::by(&steps);
    let before = concerned.accesses(change, change.now)?;
    steps.iter().try_for_each(|step| step.run(change, directories))?;
    let rights = concerned.rights(change, &before, change.now)?;
    Ok(Outcome { steps, rights })
}

fn make_directories(config: &Config, formats: &[ObjectFormat]) -> Result<Vec<(ObjectFormat, Directory)>, Failure> {
    let mut made = Vec::new();
    for format in formats {
        match create_repository(config, *format) {
            Ok(directory) => made.push((*format, directory)),
            Err(error) => {
                remove_directories(config, &made);
                return Err(Failure::Refused(error.to_string()));
            }
        }
    }
    Ok(made)
}

fn remove_directories(config: &Config, directories: &[(ObjectFormat, Directory)]) {
    for (_, directory) in directories {
        let _ = std::fs::remove_dir_all(config.paths.repositories.join(directory.relative()));
    }
}

/// Makes the steps of a rehearsal, and no others: the operator has confirmed these.
fn run_again(
    change: &Change<'_>,
    file: &HubFile,
    reading: Reading,
    directories: &Directories,
    rehearsed: &Outcome,
) -> Result<Outcome, Refused> {
    let outcome = run(change, file, reading, directories)?;
    let lines = |outcome: &Outcome| outcome.steps.iter().map(Step::line).collect::<Vec<_>>();
    if lines(&outcome) == lines(rehearsed) { Ok(outcome) } else { Err(changed_since()) }
}

impl Outcome {
    fn changes(&self) -> bool {
        self.steps.iter().any(Step::changes)
    }

    /// The object formats of the repositories that are added.
    fn new_repositories(&self) -> Vec<ObjectFormat> {
        let format = |step: &Step| match &step.action {
            Action::AddRepository(wanted) => Some(wanted.object_format),
            _ => None,
        };
        self.steps.iter().filter_map(format).collect()
    }

    /// What is asked before repositories or organizations are removed.
    fn question(&self) -> Option<String> {
        let removed: Vec<&str> =
            self.steps.iter().filter(|step| step.removes()).map(|step| step.object.as_str()).collect();
        let shown = removed.iter().take(10).copied().collect::<Vec<_>>().join(", ");
        let more = if removed.len() > 10 { format!(" and {} more", removed.len() - 10) } else { String::new() };
        (!removed.is_empty()).then(|| format!("Remove {shown}{more} from the hub?"))
    }

    fn report(&self, is_applied: bool) -> Report {
        let changed: Vec<&Step> = self.steps.iter().filter(|step| step.changes()).collect();
        let mut lines: Vec<String> = changed.iter().map(|step| step.line()).collect();
        lines.extend(self.rights.lines());
        let changes = counted(u64::try_from(changed.len()).unwrap_or(u64::MAX), "change", "changes");
        lines.push(match (changed.is_empty(), is_applied) {
            (true, _) => "nothing to change".to_owned(),
            (false, false) => format!("{changes} to make"),
            (false, true) => format!("made {changes}"),
        });
        let json = json!({
            "changes": changed.iter().map(|step| step.json()).collect::<Vec<_>>(),
            "rights": self.rights.json(),
            "applied": is_applied,
        });
        let mut report = Report::new(lines.iter().map(|line| format!("{line}\n")).collect(), json);
        if !is_applied && !changed.is_empty() {
            report.status = Status::Pending;
        }
        report
    }
}
