//! What `[access] anonymous` needs outside the configuration: a second login, or PAM and a login shell.

use std::path::Path;

use super::account::{Shell, shell};
use super::findings::Findings;
use crate::clock::now;
use crate::config::{AnonymousMode, Config};
use crate::db::Reader;
use crate::operator::failure::Failure;
use crate::operator::login::unused_second_name;
use crate::operator::pam;
use crate::operator::sshd_config::{Anonymous, Server};
use crate::passwd::{self, Login};

/// Checks what the configured mode needs, beside sshd's block.
pub(super) fn check(
    findings: &mut Findings,
    config: &Config,
    login: &Login,
    server: &Server<'_>,
) -> Result<(), Failure> {
    if let Some(name) = unused_second_name(config, login)? {
        let text = format!("{name} is a second name of {}, which the configured mode does not use", login.name);
        findings.warn("anonymous", text, format!("userdel {name}"));
    }
    match server.block.anonymous {
        Anonymous::ByKey => {}
        Anonymous::ByLogin(nobody) => by_login(findings, login, nobody)?,
        Anonymous::ByPam(service) => by_pam(findings, config, login, server, service),
    }
    Ok(())
}

/// A client offers its plain key before the certificate that lies beside it. In mode `any-key`, sshd stops at the key.
pub(super) fn check_certificates(findings: &mut Findings, config: &Config, path: &Path, reader: &Reader) {
    // A database without an answer is a finding of another check.
    let has_authorities = || reader.ask(|view| view.has_authorities(now())).unwrap_or(false);
    if config.access.anonymous == AnonymousMode::AnyKey && has_authorities() {
        let text = "an organization has a CA, but anonymous = \"any-key\" takes the plain key that ssh offers before its \
                    certificate: such a session is anonymous";
        let fix = format!(
            "set [access] anonymous in {} to \"off\", \"login\" or \"fallback\", then: hubgate init && hubgate \
             sshd-config --install",
            path.display()
        );
        findings.warn("certificates", text, fix);
    }
}

/// The second name must belong to the same account.
fn by_login(findings: &mut Findings, login: &Login, nobody: &str) -> Result<(), Failure> {
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
    Ok(())
}

/// A client without a key must reach the gateway even if sshd's configuration is wrong, and PAM must ask nothing.
fn by_pam(findings: &mut Findings, config: &Config, login: &Login, server: &Server<'_>, service: &str) {
    let block = server.block;
    if shell(&login.shell) != Shell::Gateway {
        let gateway = block.libexec.join("gateway");
        let text = format!(
            "anonymous = \"fallback\" needs the gateway as login shell, and that of {} is {}",
            config.ssh.login,
            login.shell.display()
        );
        findings.bad("anonymous", text, format!("usermod --shell {} {}", gateway.display(), config.ssh.login));
    }
    let write = if block.version < pam::SINCE && !server.is_standalone() {
        let write = "hubgate sshd-config --standalone --install && systemctl enable --now hubgate-sshd";
        let text = format!(
            "OpenSSH {} takes the PAM service from its program name: an sshd with the name {service} must serve {}",
            block.version, config.ssh.login
        );
        findings.warn("anonymous", text, write);
        write.to_owned()
    } else {
        server.write()
    };
    match pam::problem(service, &config.ssh.login) {
        None => findings.ok("anonymous", format!("{} admits {}", pam::file(service).display(), config.ssh.login)),
        Some(problem) => {
            findings.bad("anonymous", problem, format!("rm -f {} && {write}", pam::file(service).display()));
        }
    }
}
