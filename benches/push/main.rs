//! What the checks of a push cost, as ratios to the same push without checks. benches/README.md says how to read it.
//!
//! Run as root by `cargo bench --bench push`. Nothing here fails for being slow: only for answering wrongly. All that
//! it makes (accounts, files) goes when it ends, also when it fails or is interrupted.

#![expect(clippy::print_stdout, reason = "the tables are for the person who runs it")]

mod pairs;
mod pushes;
#[path = "../shared/mod.rs"]
mod shared;

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use pushes::Push;
use shared::accounts::Accounts;
use shared::hub::{Hub, USER};
use shared::machine::{gits, shell_of};
use shared::place::{Place, run};
use shared::runs::Run;
use shared::{Outcome, interrupt, machine, parts, place, runs, samples};

/// The objects of each large push, without `OBJECTS`.
const OBJECTS: usize = 100_000;
/// How often each push is made, without `ROUNDS`.
const ROUNDS: usize = 5;

/// A check, and a value that the pushes pass.
type Value = (&'static str, &'static str);

/// The checks that read single objects.
const SINGLE: [Value; 6] = [
    ("blob-size", "10M"),
    ("lfs-missing", "on"),
    ("directory-entries", "10000"),
    ("case-collision", "on"),
    ("binary", "on"),
    ("author", "*@example.org"),
];
const PATH: Value = ("path", "deny .github @everyone; deny **/*.pem @everyone");
const SIGNED: Value = ("signed", "pusher");

/// What a push is sent to.
#[derive(Clone)]
enum Target {
    /// git-shell with git's own settings, and with these.
    GitShell(&'static [Value]),
    /// The gateway, with the checks that are on by themselves.
    Default,
    /// The gateway, with these checks alone.
    Checks(Vec<Value>),
}

/// A name in the table, and what it stands for.
type Row = (String, Target);

fn main() -> ExitCode {
    parts::run("push", &["files", "history"], measure)
}

/// A number from the environment.
fn number(variable: &str) -> Outcome<Option<usize>> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    let number = text.to_string_lossy().parse().ok().filter(|number| *number > 0);
    number.map(Some).ok_or_else(|| format!("{variable} is not a number above 0").into())
}

/// Measures the parts that are wanted.
fn measure(is_wanted: &dyn Fn(&str) -> bool, programs: &Path) -> Outcome {
    let objects = number("OBJECTS")?.unwrap_or(OBJECTS);
    let place = Place::make()?;
    let accounts = Accounts::make(&place)?;
    let bench = Bench { hub: Hub::make(&place, &accounts, programs)?, place: &place, programs };
    let checks = |name: &str, values: &[Value]| (name.to_owned(), Target::Checks(values.to_vec()));
    let stock = || {
        [
            ("git-shell".to_owned(), Target::GitShell(&[])),
            ("git-shell that checks objects".to_owned(), Target::GitShell(&[("receive.fsckObjects", "true")])),
            ("default checks".to_owned(), Target::Default),
        ]
    };
    let each = || SINGLE.iter().chain([&PATH]).map(|check| checks(check.0, &[*check]));
    let together = || {
        [checks("the checks of single objects", &SINGLE), checks("these and path", &[&SINGLE[..], &[PATH]].concat())]
    };
    let rows: Vec<Row> = stock().into_iter().chain(each()).chain(together()).collect();
    if is_wanted("files") {
        let push = pushes::files(&place, objects)?;
        bench.measure("files", "A first push of many files", &push, &rows)?;
    }
    if is_wanted("history") {
        let push = pushes::history(&place, &bench.hub.known.file, objects)?;
        let all = checks("all checks", &[&SINGLE[..], &[PATH, SIGNED]].concat());
        let rows: Vec<Row> = rows.into_iter().chain([checks("signed", &[SIGNED]), all]).collect();
        bench.measure("history", "A push of a history", &push, &rows)?;
    }
    Ok(())
}

/// The hub that is pushed to.
struct Bench<'a> {
    hub: Hub,
    place: &'a Place,
    programs: &'a Path,
}

impl Bench<'_> {
    /// Measures a push to each target, beside one without checks.
    fn measure(&self, name: &str, title: &str, push: &Push, rows: &[Row]) -> Outcome {
        let wanted = std::env::var("ROWS").unwrap_or_default();
        let is_wanted = |(row, _): &&Row| wanted.split(',').any(|part| row.contains(part));
        let floor = ("without checks".to_owned(), Target::Checks(Vec::new()));
        let mut floor = self.run(&format!("{name}-floor"), &floor, push)?;
        let mut runs = Vec::new();
        for (number, row) in rows.iter().filter(is_wanted).enumerate() {
            runs.push(self.run(&format!("{name}-{number}"), row, push)?);
        }
        let title = format!("## {title}: {} objects, {} bytes", push.objects, push.request.metadata()?.len());
        pairs::measure(&title, &mut floor, &mut runs, number("ROUNDS")?.unwrap_or(ROUNDS))
    }

    /// A push to a repository that is empty before and has the new commit afterwards.
    fn run(&self, name: &str, (row, target): &Row, push: &Push) -> Outcome<Run<'_>> {
        let (repository, command) = match target {
            Target::GitShell(settings) => self.git_shell(name, settings)?,
            Target::Default => self.repository(name, None)?,
            Target::Checks(values) => self.repository(name, Some(values))?,
        };
        let (before, row, new) = (repository.clone(), row.clone(), push.tip.clone());
        let run = Run::new(&row, "", command);
        let is_there = move || {
            let tip = std::fs::read_to_string(repository.join("refs/heads/main")).unwrap_or_default();
            if tip.trim_end() == new { Ok(()) } else { Err(format!("{row} did not update main").into()) }
        };
        Ok(run.reading(push.request.clone()).before(move || empty(&before)).after(is_there))
    }

    fn hubgate(&self, words: &[&str]) -> Outcome<String> {
        let mut command = Command::new(self.programs.join("hubgate"));
        run(command.arg("--config").arg(&self.hub.config).args(words).current_dir("/"))
    }

    /// A program with the rights of the account that serves, and with nothing in its environment.
    fn as_login(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().current_dir("/").uid(self.hub.login.uid).gid(self.hub.login.gid);
        command
    }

    /// A repository behind git-shell.
    fn git_shell(&self, name: &str, settings: &[Value]) -> Outcome<(PathBuf, Command)> {
        let git = gits()?.into_iter().next().ok_or("no git")?;
        // The account that serves may not write beside the hub's own directories.
        let directory = self.place.directory(&format!("stock-{name}"))?;
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o777))?;
        let repository = directory.join("x.git");
        run(self.as_login(&git).args(["init", "--quiet", "--bare"]).arg(&repository))?;
        for (key, value) in settings {
            run(self.as_login(&git).arg("--git-dir").arg(&repository).args(["config", key, value]))?;
        }
        let mut command = self.as_login(&shell_of(&git));
        command.env("PATH", "/usr/bin:/bin").arg("-c").arg(format!("git-receive-pack '{}'", repository.display()));
        Ok((repository, command))
    }

    /// A repository behind the gateway, as sshd starts it. Without `values`, checks are as they are by themselves.
    fn repository(&self, name: &str, values: Option<&[Value]>) -> Outcome<(PathBuf, Command)> {
        let path = format!("{USER}/{name}");
        self.hubgate(&["repo", "create", &path])?;
        for (check, _) in SINGLE.iter().chain([&PATH, &SIGNED]).filter(|_| values.is_some()) {
            let value = values.into_iter().flatten().find(|(name, _)| name == check).map_or("off", |(_, value)| value);
            self.hubgate(&["check", "set", &path, check, value])?;
        }
        let hub = &self.hub;
        let mut command = self.as_login(&hub.libexec.join("gateway"));
        command.args(hub.gateway_arguments(USER, &hub.known));
        command.env("SSH_ORIGINAL_COMMAND", format!("git-receive-pack '{path}'"));
        command.env("SSH_CONNECTION", "127.0.0.1 50000 127.0.0.1 22");
        Ok((self.hubgate(&["repo", "path", &path])?.trim().into(), command))
    }
}

/// Makes a repository as if nothing had been pushed.
fn empty(repository: &Path) -> Outcome {
    let _ = std::fs::remove_file(repository.join("refs/heads/main"));
    for pack in std::fs::read_dir(repository.join("objects/pack"))? {
        std::fs::remove_file(pack?.path())?;
    }
    Ok(())
}
