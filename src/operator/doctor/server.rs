//! sshd: its version, and whether its settings for the login match hubgate's block.

use std::path::Path;

use super::anonymous;
use super::findings::{Findings, INSTALL};
use crate::config::Config;
use crate::operator::failure::Failure;
use crate::operator::openssh::{Version, effective, sshd, sshd_version};
use crate::operator::programs::LIBEXEC;
use crate::operator::sshd_config::{Anonymous, Block, differences};
use crate::passwd::Login;

/// The oldest OpenSSH that tells the gateway which key the client proved.
const OLDEST_SSHD: Version = Version(7, 6);
/// Settings of the whole server that an operator may choose differently.
const MAY_DIFFER: [&str; 2] = ["logingracetime", "maxstartups"];

/// The danger of other values of these settings.
const DANGERS: [(&str, &str); 5] = [
    ("acceptenv", "a client could set variables of the programs, such as LD_PRELOAD"),
    ("authorizedkeysfile", "a key in a file opens the account without asking hubgate"),
    ("trustedusercakeys", "a certificate opens the account without asking hubgate"),
    ("permituserrc", "a file in the home directory runs before the gateway"),
    ("exposeauthinfo", "the gateway cannot see which key was proven"),
];

/// Checks sshd. Returns its settings for the login, as `sshd -T` prints them.
pub(super) fn check_sshd(findings: &mut Findings, config: &Config, file: &Path) -> Option<Vec<(String, String)>> {
    let (sshd, version) = match sshd().and_then(|sshd| sshd_version(&sshd).map(|version| (sshd, version))) {
        Ok(found) => found,
        Err(error) => {
            findings.bad("sshd", error.to_string(), "apt-get install openssh-server");
            return None;
        }
    };
    check_version(findings, version);
    match effective(&sshd, file, &config.ssh.login) {
        Ok(settings) => Some(settings),
        Err(error) => {
            findings.bad("sshd-config", error.to_string(), format!("sshd -t -f {}", file.display()));
            None
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

/// sshd's settings for the login.
pub(super) struct Sshd<'a> {
    /// As `sshd -T` prints them.
    pub(super) settings: &'a [(String, String)],
    pub(super) helper: &'a Path,
    pub(super) keys_login: &'a str,
    /// sshd's configuration file.
    pub(super) file: &'a Path,
}

/// Compares sshd's settings with hubgate's block.
pub(super) fn check_settings(
    findings: &mut Findings,
    config: &Config,
    path: &Path,
    login: Option<&Login>,
    sshd_of_login: &Sshd<'_>,
) -> Result<(), Failure> {
    let Sshd { settings, helper, keys_login, file } = *sshd_of_login;
    let Ok(version) = sshd().and_then(|sshd| sshd_version(&sshd)) else { return Ok(()) };
    let libexec = helper.parent().unwrap_or(Path::new(LIBEXEC));
    let anonymous = Anonymous::of(config);
    let block = Block { login: &config.ssh.login, keys_login, libexec, config: path, version, anonymous };
    let problems = differences(&block, settings);
    for (keyword, problem) in &problems {
        let problem = match DANGERS.iter().find(|(name, _)| name == keyword) {
            Some((_, danger)) => format!("{problem}: {danger}"),
            None => problem.clone(),
        };
        if MAY_DIFFER.contains(&keyword.as_str()) {
            findings.warn("sshd-config", problem, INSTALL);
        } else {
            findings.bad("sshd-config", problem, INSTALL);
        }
    }
    // It applies to the whole server, so a Match block cannot turn it off.
    if settings.iter().any(|(keyword, value)| keyword == "permituserenvironment" && value != "no") {
        let text = "PermitUserEnvironment lets a file in the home directory set variables";
        findings.bad("sshd-config", text, "set PermitUserEnvironment no in sshd_config");
    }
    if problems.is_empty() {
        findings.ok("sshd-config", format!("sshd has hubgate's block for {}", config.ssh.login));
    }
    match login {
        Some(login) => anonymous::check(findings, config, login, &block, file),
        None => Ok(()),
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
