//! What `[access] anonymous` needs outside the configuration: a second login, or PAM and a login shell.

use std::path::Path;

use super::account::{Shell, shell};
use super::findings::{Findings, INSTALL};
use crate::config::Config;
use crate::operator::failure::Failure;
use crate::operator::openssh::{effective, sshd};
use crate::operator::pam;
use crate::operator::sshd_config::{Anonymous, Block, differences};
use crate::passwd::{self, Login};

/// Checks what the configured mode needs; `file` is sshd's configuration.
pub(super) fn check(
    findings: &mut Findings,
    config: &Config,
    login: &Login,
    block: &Block<'_>,
    file: &Path,
) -> Result<(), Failure> {
    match block.anonymous {
        Anonymous::ByKey => {}
        Anonymous::ByLogin(nobody) => by_login(findings, login, block, nobody, file)?,
        Anonymous::ByPam(service) => by_pam(findings, config, login, block, service),
    }
    Ok(())
}

/// The second name must belong to the same account, and sshd must have the same block for it.
fn by_login(
    findings: &mut Findings,
    login: &Login,
    block: &Block<'_>,
    nobody: &str,
    file: &Path,
) -> Result<(), Failure> {
    match passwd::find(nobody)? {
        None => findings.bad("anonymous", format!("there is no account {nobody}"), "hubgate init"),
        Some(found) if (found.uid, found.gid) == (login.uid, login.gid) && found.shell == login.shell => {
            findings.ok("anonymous", format!("{nobody} is a second name of {}", login.name));
        }
        Some(found) => {
            let text = format!(
                "{nobody} is {}:{} with the shell {}, not a second name of {}, {}:{} with {}",
                found.uid,
                found.gid,
                found.shell.display(),
                login.name,
                login.uid,
                login.gid,
                login.shell.display()
            );
            findings.bad("anonymous", text, format!("userdel {nobody} && hubgate init"));
        }
    }
    if passwd::is_locked(nobody)? {
        let text = format!("the password of {nobody} is locked with !, so sshd without PAM refuses the account");
        findings.bad("anonymous", text, format!("usermod --password '*' {nobody}"));
    }
    match sshd().and_then(|sshd| effective(&sshd, file, nobody)) {
        Ok(settings) => {
            for (_, problem) in differences(block, &settings) {
                findings.bad("anonymous", format!("for {nobody}, {problem}"), INSTALL);
            }
        }
        Err(error) => findings.bad("anonymous", error.to_string(), format!("sshd -t -f {}", file.display())),
    }
    Ok(())
}

/// A client without a key must reach the gateway even if sshd's configuration is wrong, and PAM must ask nothing.
fn by_pam(findings: &mut Findings, config: &Config, login: &Login, block: &Block<'_>, service: &str) {
    if shell(&login.shell) != Shell::Gateway {
        let gateway = block.libexec.join("gateway");
        let text = format!(
            "anonymous = \"fallback\" needs the gateway as login shell, and that of {} is {}",
            config.ssh.login,
            login.shell.display()
        );
        findings.bad("anonymous", text, format!("usermod --shell {} {}", gateway.display(), config.ssh.login));
    }
    if block.version < pam::SINCE {
        let text = format!(
            "OpenSSH {} takes the PAM service from its program name: start the sshd that serves {} as {service}",
            block.version, config.ssh.login
        );
        findings.warn("anonymous", text, format!("ln -s /usr/sbin/sshd {}", block.libexec.join(service).display()));
    }
    match pam::problem(service, &config.ssh.login) {
        None => findings.ok("anonymous", format!("{} admits {}", pam::file(service).display(), config.ssh.login)),
        Some(problem) => {
            let fix = "install packaging/pam.d/hubgate-sshd there, with your login in it";
            findings.bad("anonymous", problem, fix);
        }
    }
}
