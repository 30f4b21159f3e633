//! Owners and modes: of the programs that sshd and git run, and of the directories above the login's files.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Findings;
use crate::passwd::Login;

/// sshd's rule for a program that it runs: up to `/`, root owns each path and only root can write it (sshd's misc.c,
/// `safe_path`).
pub(super) fn check_program(findings: &mut Findings, program: &Path) {
    let Ok(real) = program.canonicalize() else {
        findings.bad("programs", format!("{} is missing", program.display()), "reinstall hubgate");
        return;
    };
    let metadata = |path: &Path| path.metadata().ok();
    if metadata(&real).is_none_or(|file| !file.is_file() || file.mode() & 0o111 != 0o111) {
        let text = format!("{} is not executable for every user", real.display());
        findings.bad("programs", text, format!("chmod 755 {}", real.display()));
        return;
    }
    for path in real.ancestors() {
        if metadata(path).is_none_or(|file| file.uid() != 0 || file.mode() & 0o022 != 0) {
            let text = format!("sshd rejects {}: users other than root can change {}", real.display(), path.display());
            findings.bad("programs", text, format!("chown root:root {0} && chmod go-w {0}", path.display()));
            return;
        }
    }
    findings.ok("programs", real.display().to_string());
}

/// Checks owner, group and mode. The finding gives the required values.
pub(super) fn check_mode(
    findings: &mut Findings,
    check: &'static str,
    path: &Path,
    login: &Login,
    group: &Login,
    mode: u32,
) {
    let as_wanted =
        |file: &Metadata| file.uid() == login.uid && file.gid() == group.gid && file.mode() & 0o7777 == mode;
    match path.symlink_metadata() {
        Err(error) => findings.bad(check, format!("{}: {error}", path.display()), "hubgate init"),
        Ok(file) if as_wanted(&file) => findings.ok(check, format!("{} {mode:04o}", path.display())),
        Ok(file) => findings.bad(
            check,
            format!(
                "{} is {}:{} {:04o}, not {}:{} {mode:04o}",
                path.display(),
                file.uid(),
                file.gid(),
                file.mode() & 0o7777,
                login.name,
                group.name
            ),
            format!("chown {}:{} {2} && chmod {mode:o} {2}", login.name, group.name, path.display()),
        ),
    }
}

/// A user who can write to a directory above can replace the path.
pub(super) fn check_parents(findings: &mut Findings, check: &'static str, path: &Path) {
    for parent in path.ancestors().skip(1) {
        let others = |file: &Metadata| file.uid() != 0 || file.mode() & 0o022 != 0;
        if parent.metadata().is_ok_and(|file| others(&file)) {
            let text =
                format!("{} can be replaced: users other than root can change {}", path.display(), parent.display());
            findings.bad(check, text, format!("chown root:root {0} && chmod go-w {0}", parent.display()));
            return;
        }
    }
}
