//! sshd: its version, and whether it serves the hub's logins with hubgate's block.

use std::path::{Path, PathBuf};

use super::anonymous;
use super::findings::Findings;
use crate::config::Config;
use crate::operator::failure::Failure;
use crate::operator::login::KEYS_LOGIN;
use crate::operator::openssh::{Settings, Version, settings, sshd, sshd_version};
use crate::operator::sshd_config::{Anonymous, Block, Server, is_helper};
use crate::passwd::Login;

/// The oldest OpenSSH that tells the gateway which key the client proved.
const OLDEST_SSHD: Version = Version(7, 6);

/// An sshd of this machine and its settings for the login.
#[derive(Debug)]
pub(super) struct Sshd {
    program: PathBuf,
    version: Version,
    pub(super) settings: Settings,
}

impl Sshd {
    /// Finds sshd and asks for its settings.
    pub(super) fn find(findings: &mut Findings, config: &Config, file: &Path) -> Result<Option<Self>, Failure> {
        match sshd().and_then(|sshd| sshd_version(&sshd).map(|version| (sshd, version))) {
            Ok((program, version)) => {
                check_version(findings, version);
                let settings = settings(&program, file, &config.ssh.login)?.unwrap_or_default();
                Ok(Some(Self { program, version, settings }))
            }
            Err(error) => {
                findings.bad("sshd", error.to_string(), "apt-get install openssh-server");
                Ok(None)
            }
        }
    }

    /// The command line of hubgate's helper, if sshd has it.
    pub(super) fn helper(&self) -> Option<&str> {
        self.settings.value("authorizedkeyscommand").filter(|command| is_helper(command))
    }

    /// The account that sshd runs the helper as.
    pub(super) fn keys_login(&self) -> &str {
        self.helper().and_then(|_| self.settings.value("authorizedkeyscommanduser")).unwrap_or(KEYS_LOGIN)
    }

    /// Finds why sshd does not serve the hub's logins; `file` is its configuration.
    pub(super) fn check(
        &self,
        findings: &mut Findings,
        config: &Config,
        [config_path, file, libexec]: [&Path; 3],
        login: Option<&Login>,
    ) -> Result<(), Failure> {
        let block = Block {
            login: &config.ssh.login,
            keys_login: self.keys_login(),
            libexec,
            config: config_path,
            version: self.version,
            anonymous: Anonymous::of(config),
        };
        let server = Server { sshd: &self.program, file, block: &block };
        let problems = server.problems()?;
        if problems.is_empty() {
            findings.ok("sshd-config", format!("sshd serves {} with hubgate's block", config.ssh.login));
        }
        for problem in problems {
            let text = problem.texts.join("; ");
            if problem.may_stay {
                findings.warn("sshd-config", text, problem.fix);
            } else {
                findings.bad("sshd-config", text, problem.fix);
            }
        }
        match login {
            Some(login) => anonymous::check(findings, config, login, &server),
            None => Ok(()),
        }
    }
}

fn check_version(findings: &mut Findings, version: Version) {
    if version < OLDEST_SSHD {
        findings.bad("sshd", format!("OpenSSH {version} is older than {OLDEST_SSHD}"), "upgrade OpenSSH");
    } else {
        findings.ok("sshd", format!("OpenSSH {version}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sshd_without_exposeauthinfo_is_too_old() {
        for (version, status) in [(Version(7, 5), 1), (Version(6, 9), 1), (Version(7, 6), 0), (Version(10, 0), 0)] {
            let mut findings = Findings::default();
            check_version(&mut findings, version);
            let report = findings.report();
            assert_eq!((report.status.code(), report.json[0]["fix"].is_null()), (status, status == 0), "{version}");
        }
    }
}
