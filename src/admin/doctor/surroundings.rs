//! What the programs need of the machine: git, the kernel's box, the log.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Findings;
use crate::admin::sshd_config::Version;
use crate::log;
use crate::sandbox::{InForce, Mode, expected};

/// The oldest git whose pins and fixes hubgate counts on.
const OLDEST_GIT: Version = Version(2, 39);

/// What would hold git on this kernel.
pub(super) fn check_sandbox(findings: &mut Findings, mode: Mode) {
    let (fetch, push) = (expected(false), expected(true));
    let text = format!("mode {mode}: fetch {fetch}, push {push}");
    let whole = |in_force: &InForce| matches!(in_force, InForce::Box { landlock: Ok(_), seccomp: Ok(()) });
    if mode == Mode::Off {
        findings.odd("sandbox", text, "set [sandbox] mode = \"best-effort\"");
    } else if whole(&fetch) && whole(&push) {
        findings.good("sandbox", text);
    } else if mode == Mode::Required {
        findings.bad("sandbox", text, "upgrade the kernel: Landlock is in 5.13, whole for pushes in 5.19");
    } else {
        findings.odd("sandbox", text, "upgrade the kernel: Landlock is in 5.13, whole for pushes in 5.19");
    }
}

pub(super) fn check_git(findings: &mut Findings, git: &Path) {
    let output = Command::new(git).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    // `git version 2.39.5`, and behind it whatever a distribution adds.
    let version = text.as_ref().ok().and_then(|text| {
        let mut numbers = text.strip_prefix("git version ")?.split(['.', ' ']);
        format!("{}.{}", numbers.next()?, numbers.next()?).parse::<Version>().ok()
    });
    match (text, version) {
        (Ok(text), Some(version)) if version >= OLDEST_GIT => findings.good("git", text),
        (Ok(text), Some(_)) => findings.bad("git", format!("{text} is older than {OLDEST_GIT}"), "upgrade git"),
        (Ok(text), None) => {
            let said = text.lines().next().unwrap_or_default();
            let text = format!("{} is no git: asked for its version, it says {said:?}", git.display());
            findings.bad("git", text, "apt-get install git, or set [paths] git");
        }
        (Err(error), _) => {
            findings.bad("git", format!("{}: {error}", git.display()), "apt-get install git, or set [paths] git");
        }
    }
}

/// Whether somebody reads the log. Nobody waits for it, so that nobody would notice.
pub(super) fn check_log(findings: &mut Findings, socket: &Path) {
    let shown = socket.display();
    match log::probe(socket) {
        Ok(()) => findings.good("log", shown.to_string()),
        Err(error) => {
            let text = format!("nobody reads the log at {shown}: {error}");
            findings.bad("log", text, "start the log daemon, such as rsyslog or journald, or set [log] socket");
        }
    }
}
