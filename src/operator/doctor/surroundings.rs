//! What the programs need from the machine: git, the kernel's support for the sandbox, the log.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Findings;
use crate::log;
use crate::operator::openssh::Version;
use crate::sandbox::{InForce, Mode, expected};

/// The oldest git with all settings and fixes that hubgate relies on.
const OLDEST_GIT: Version = Version(2, 39);

/// What would confine git on this kernel.
pub(super) fn check_sandbox(findings: &mut Findings, mode: Mode) {
    judge_sandbox(findings, mode, expected(false), expected(true));
}

fn judge_sandbox(findings: &mut Findings, mode: Mode, fetch: InForce, push: InForce) {
    let text = format!("mode {mode}: fetch {fetch}, push {push}");
    let whole = |in_force: &InForce| matches!(in_force, InForce::Box { landlock: Ok(_), seccomp: Ok(()) });
    if mode == Mode::Off {
        findings.warn("sandbox", text, "set [sandbox] mode = \"best-effort\"");
    } else if whole(&fetch) && whole(&push) {
        findings.ok("sandbox", text);
    } else if mode == Mode::Required {
        findings.bad("sandbox", text, "upgrade the kernel: Landlock needs 5.13, and 5.19 for pushes");
    } else {
        findings.warn("sandbox", text, "upgrade the kernel: Landlock needs 5.13, and 5.19 for pushes");
    }
}

pub(super) fn check_git(findings: &mut Findings, git: &Path) {
    let output = Command::new(git).arg("--version").stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    // `git version 2.39.5`, followed by text of the distribution.
    let version = text.as_ref().ok().and_then(|text| {
        let mut numbers = text.strip_prefix("git version ")?.split(['.', ' ']);
        format!("{}.{}", numbers.next()?, numbers.next()?).parse::<Version>().ok()
    });
    match (text, version) {
        (Ok(text), Some(version)) if version >= OLDEST_GIT => findings.ok("git", text),
        (Ok(text), Some(_)) => findings.bad("git", format!("{text} is older than {OLDEST_GIT}"), "upgrade git"),
        (Ok(text), None) => {
            let said = text.lines().next().unwrap_or_default();
            let text = format!("{} is not git: --version prints {said:?}", git.display());
            findings.bad("git", text, "apt-get install git, or set [paths] git");
        }
        (Err(error), _) => {
            findings.bad("git", format!("{}: {error}", git.display()), "apt-get install git, or set [paths] git");
        }
    }
}

/// Whether a daemon reads the log. Sessions do not wait for the log, so nothing else would show this.
pub(super) fn check_log(findings: &mut Findings, socket: &Path) {
    let shown = socket.display();
    match log::probe(socket) {
        Ok(()) => findings.ok("log", shown.to_string()),
        Err(error) => {
            let text = format!("no daemon reads the log at {shown}: {error}");
            findings.bad("log", text, "start the log daemon, such as rsyslog or journald, or set [log] socket");
        }
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::sandbox::NoLandlock;

    /// The state and the exit status that doctor gives for such a kernel.
    fn judged(mode: Mode, landlock: [Result<u8, NoLandlock>; 2], seccomp: Result<(), Errno>) -> (String, u8) {
        let mut findings = Findings::default();
        let [fetch, push] = landlock.map(|landlock| InForce::Box { landlock, seccomp });
        judge_sandbox(&mut findings, mode, fetch, push);
        let report = findings.report();
        (report.json[0]["state"].as_str().unwrap().to_owned(), report.status.code())
    }

    #[test]
    fn a_kernel_without_the_whole_sandbox_is_bad_only_in_mode_required() {
        let old = Err(NoLandlock::TooOld(1));
        for (mode, state, status) in [(Mode::BestEffort, "warning", 0), (Mode::Required, "bad", 1)] {
            for (landlock, seccomp) in
                [([Ok(1), old], Ok(())), ([old, old], Ok(())), ([Ok(7), Ok(7)], Err(Errno::ENOSYS))]
            {
                assert_eq!(judged(mode, landlock, seccomp), (state.to_owned(), status), "{mode} {landlock:?}");
            }
            assert_eq!(judged(mode, [Ok(7), Ok(7)], Ok(())), ("ok".to_owned(), 0));
        }
        assert_eq!(judged(Mode::Off, [Ok(7), Ok(7)], Ok(())).0, "warning");
    }
}
