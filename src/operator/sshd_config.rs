//! `hubgate sshd-config`: the block that this machine's sshd needs, made only from `sshd_config.example`.

use std::fmt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::cli::SshdConfig;
use super::failure::Failure;
use super::login::KEYS_LOGIN;
use super::openssh::{Version, effective, output, sshd, sshd_version};
use super::pam;
use super::programs::LIBEXEC;
use crate::config::{AnonymousMode, Config, DEFAULT_PATH};
use crate::message::Status;
use crate::report::Report;
use crate::request::AUTH_INFO;

/// The shipped block, for the newest OpenSSH, the login `git` and the default configuration file.
pub const EXAMPLE: &str = include_str!("../../sshd_config.example");

/// The values that replace those of the example.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// The login account.
    pub login: &'a str,
    /// The account that the helper runs as.
    pub keys_login: &'a str,
    /// The directory of the programs.
    pub libexec: &'a Path,
    /// The configuration file.
    pub config: &'a Path,
    /// The version of the server that reads the block.
    pub version: Version,
    /// How keys on no account are treated, as far as sshd is involved.
    pub anonymous: Anonymous<'a>,
}

/// What `[access] anonymous` needs from sshd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous<'a> {
    /// Nothing: the helper's answer decides.
    ByKey,
    /// A second login with that name.
    ByLogin(&'a str),
    /// Logins without a key, by the PAM service with that name.
    ByPam(&'a str),
}

impl<'a> Anonymous<'a> {
    /// What a configuration needs.
    #[must_use]
    pub fn of(config: &'a Config) -> Self {
        match config.access.anonymous {
            AnonymousMode::AnyKey | AnonymousMode::Off => Self::ByKey,
            AnonymousMode::Login => Self::ByLogin(&config.ssh.anonymous_login),
            AnonymousMode::Fallback => Self::ByPam(pam::SERVICE),
        }
    }
}

impl fmt::Display for Block<'_> {
    /// The example with accounts and paths replaced, and with directives commented out that are newer than the server.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut since = None;
        for line in EXAMPLE.lines() {
            let word = line.trim_start();
            let by_pam = word.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
            if let (Some(directive), Anonymous::ByPam(_)) = (by_pam, self.anonymous) {
                let too_new = since.take().is_some_and(|since| since > self.version);
                let indent = line.get(..line.len() - word.len()).unwrap_or_default();
                writeln!(f, "{indent}{}{}", if too_new { "#" } else { "" }, self.fill(directive))?;
                continue;
            }
            if word.starts_with('#') {
                since = if by_pam.is_some() { None } else { since_version(word).or(since) };
                writeln!(f, "{line}")?;
                continue;
            }
            let too_new = since.take().is_some_and(|since| since > self.version);
            let (indent, directive) = line.split_at_checked(line.len() - word.len()).unwrap_or(("", line));
            if directive.is_empty() {
                writeln!(f)?;
                continue;
            }
            writeln!(f, "{indent}{}{}", if too_new { "#" } else { "" }, self.fill(directive))?;
        }
        Ok(())
    }
}

impl Block<'_> {
    fn fill(&self, directive: &str) -> String {
        let (keyword, value) = directive.split_once(' ').unwrap_or((directive, ""));
        let config = if self.config == Path::new(DEFAULT_PATH) {
            String::new()
        } else {
            format!(" --config {}", self.config.display())
        };
        let libexec = self.libexec.display();
        match (keyword, self.anonymous) {
            ("AuthorizedKeysCommand", _) => format!("{keyword} {libexec}/authorized-keys{config} %u %t %k"),
            ("AuthorizedKeysCommandUser", _) => format!("{keyword} {}", self.keys_login),
            ("ForceCommand", _) => format!("{keyword} {libexec}/gateway{config} {AUTH_INFO}"),
            ("PAMServiceName", Anonymous::ByPam(service)) => format!("{keyword} {service}"),
            ("Match", Anonymous::ByLogin(nobody)) if value.starts_with("User ") => {
                format!("{keyword} User {},{nobody}", self.login)
            }
            ("Match", _) if value.starts_with("User ") => format!("{keyword} User {}", self.login),
            _ => directive.to_owned(),
        }
    }

    /// The logins that the block applies to.
    pub(super) fn logins(&self) -> impl Iterator<Item = &str> {
        let nobody = match self.anonymous {
            Anonymous::ByLogin(nobody) => Some(nobody),
            Anonymous::ByKey | Anonymous::ByPam(_) => None,
        };
        std::iter::once(self.login).chain(nobody)
    }

    /// The directives that must apply to the login, as `sshd -T` prints them: keyword in lower case, value.
    fn wanted(&self) -> Vec<(String, String)> {
        let text = self.to_string();
        let directives = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut wanted: Vec<(String, String)> = Vec::new();
        for (keyword, value) in directives.filter_map(|line| line.split_once(' ')) {
            let keyword = keyword.to_ascii_lowercase();
            // sshd uses the first of two lines.
            if keyword != "match" && !wanted.iter().any(|(before, _)| *before == keyword) {
                wanted.push((keyword, value.to_owned()));
            }
        }
        if !matches!(self.anonymous, Anonymous::ByPam(_)) {
            // It would replace the command of the helper's line.
            wanted.push(("forcecommand".to_owned(), "none".to_owned()));
        }
        wanted
    }
}

/// The version in a comment of the example, such as `(OpenSSH 9.2)`.
fn since_version(comment: &str) -> Option<Version> {
    let (_, version) = comment.rsplit_once("(OpenSSH ")?;
    version.split_once(')')?.0.parse().ok()
}

/// The settings in which sshd differs from the block: the keyword, and a text with both values.
pub(super) fn differences(block: &Block<'_>, effective: &[(String, String)]) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for (keyword, value) in block.wanted() {
        let of_keyword = effective.iter().filter(|(name, _)| *name == keyword);
        let found: Vec<&str> = of_keyword.map(|(_, value)| value.as_str()).collect();
        if found != [value.as_str()] {
            let found = if found.is_empty() { "nothing".to_owned() } else { found.join(" ") };
            problems.push((keyword.clone(), format!("{keyword} should be {value}, sshd has {found}")));
        }
    }
    problems
}

pub(super) fn run(command: &SshdConfig, config_path: &Path) -> Result<Report, Failure> {
    let sshd = sshd()?;
    let config = Config::load(config_path)?;
    let block = Block {
        login: &config.ssh.login,
        keys_login: KEYS_LOGIN,
        libexec: Path::new(LIBEXEC),
        config: config_path,
        version: sshd_version(&sshd)?,
        anonymous: Anonymous::of(&config),
    };
    let file = &command.sshd_config;
    let directory = file.parent().unwrap_or(Path::new("/")).join("sshd_config.d");
    let drop_in = directory.join("50-hubgate.conf");
    if command.check {
        check(&sshd, file, &block)
    } else if command.install {
        install(&sshd, file, &drop_in, &block)
    } else if command.remove {
        std::fs::remove_file(&drop_in).map_err(|error| Failure::File(drop_in.display().to_string(), error))?;
        pam::remove(pam::SERVICE, &config.ssh.login)?;
        let text = format!("removed {}; reload sshd: systemctl reload ssh\n", drop_in.display());
        Ok(Report::new(text, json!({ "removed": drop_in })))
    } else {
        let text = block.to_string();
        Ok(Report::new(text.clone(), json!({ "version": block.version.to_string(), "block": text })))
    }
}

fn check(sshd: &Path, file: &Path, block: &Block<'_>) -> Result<Report, Failure> {
    let test = output(Command::new(sshd).arg("-t").arg("-f").arg(file))?;
    let mut problems = Vec::new();
    if !test.status.success() {
        problems.push(format!("sshd -t: {}", String::from_utf8_lossy(&test.stderr).trim()));
    }
    for login in block.logins() {
        match effective(sshd, file, login) {
            Ok(effective) => problems.extend(differences(block, &effective).into_iter().map(|(_, problem)| problem)),
            Err(error) => problems.push(error.to_string()),
        }
    }
    let mut report = if problems.is_empty() {
        let text = format!("sshd {} reads {} with the settings that hubgate needs\n", block.version, file.display());
        Report::new(text, json!({ "version": block.version.to_string(), "problems": [] }))
    } else {
        let text = problems.iter().map(|line| format!("{line}\n")).collect();
        Report::new(text, json!({ "version": block.version.to_string(), "problems": problems }))
    };
    report.status = if problems.is_empty() { Status::Done } else { Status::Refused };
    Ok(report)
}

/// Writes the drop-in. Restores the old state if sshd would not start with it.
fn install(sshd: &Path, file: &Path, drop_in: &Path, block: &Block<'_>) -> Result<Report, Failure> {
    let failed = |error| Failure::File(drop_in.display().to_string(), error);
    let before = match std::fs::read_to_string(drop_in) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    if let Anonymous::ByPam(service) = block.anonymous {
        if block.version < pam::SINCE {
            return Err(Failure::Refused(format!(
                "OpenSSH {} takes the PAM service from its program name: anonymous = \"fallback\" needs a separate sshd, \
                 started as {service}; print its block with hubgate sshd-config, and see sshd_config.example",
                block.version
            )));
        }
        pam::install(service, block.login)?;
    }
    // Renamed into place, so that an sshd that starts now never reads an incomplete file.
    let write = |text: &str| {
        let new_file = drop_in.with_extension("new");
        std::fs::write(&new_file, text).and_then(|()| std::fs::rename(&new_file, drop_in))
    };
    write(&block.to_string()).map_err(failed)?;
    let report = check(sshd, file, block)?;
    if report.status == Status::Done {
        let text = format!("wrote {}; reload sshd: systemctl reload ssh\n", drop_in.display());
        return Ok(Report::new(text, json!({ "installed": drop_in })));
    }
    match before {
        Some(text) => write(&text),
        None => std::fs::remove_file(drop_in),
    }
    .map_err(failed)?;
    Err(Failure::Refused(format!("{}{} is unchanged", report.text, drop_in.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(version: Version) -> String {
        block_for(version, Anonymous::ByKey)
    }

    fn block_for(version: Version, anonymous: Anonymous<'_>) -> String {
        let block = Block {
            login: "hub",
            keys_login: "keys",
            libexec: Path::new("/opt/x"),
            config: Path::new("/opt/c.toml"),
            version,
            anonymous,
        };
        block.to_string()
    }

    #[test]
    fn the_block_for_a_new_server_is_the_example_with_accounts_and_paths_replaced() {
        let expected = EXAMPLE
            .replace("Match User git", "Match User hub")
            .replace("AuthorizedKeysCommandUser hubgate-keys", "AuthorizedKeysCommandUser keys")
            .replace("/usr/libexec/hubgate/authorized-keys %u", "/opt/x/authorized-keys --config /opt/c.toml %u");
        assert_eq!(block(Version(99, 0)), expected);
    }

    #[test]
    fn directives_newer_than_the_server_are_commented_out() {
        let old = block(Version(8, 4));
        for newer in ["UnusedConnectionTimeout 60", "RequiredRSASize 2048", "KbdInteractiveAuthentication no"] {
            assert!(old.contains(&format!("    #{newer}\n")), "{newer}");
        }
        for older in ["ExposeAuthInfo yes", "PermitListen none", "PubkeyAuthentication yes"] {
            assert!(old.contains(&format!("    {older}\n")), "{older}");
        }
    }

    #[test]
    fn a_second_login_is_named_beside_the_first() {
        let text = block_for(Version(99, 0), Anonymous::ByLogin("nobody-known"));
        assert_eq!(text, block(Version(99, 0)).replace("\nMatch User hub\n", "\nMatch User hub,nobody-known\n"));
    }

    #[test]
    fn logins_without_a_key_use_the_commented_lines_of_the_example() {
        let text = block_for(Version(99, 0), Anonymous::ByPam("hub-pam"));
        let expected = block(Version(99, 0))
            .replace("#UsePAM", "UsePAM")
            .replace("    #AuthenticationMethods", "    AuthenticationMethods")
            .replace("    #KbdInteractiveAuthentication", "    KbdInteractiveAuthentication")
            .replace(
                "    #ForceCommand /usr/libexec/hubgate/gateway --auth-info",
                "    ForceCommand /opt/x/gateway --config /opt/c.toml --auth-info",
            )
            .replace("    #PAMServiceName hubgate-sshd", "    PAMServiceName hub-pam");
        assert_eq!(text, expected);
        assert_eq!(expected.matches("keyboard-interactive:pam").count(), 1);
        let old = block_for(Version(9, 2), Anonymous::ByPam("hub-pam"));
        assert!(old.contains("    #PAMServiceName hub-pam\n") && old.contains("    ForceCommand "), "{old}");
    }

    #[test]
    fn the_first_of_two_lines_is_wanted() {
        let block = Block {
            login: "hub",
            keys_login: "keys",
            libexec: Path::new("/opt/x"),
            config: Path::new(DEFAULT_PATH),
            version: Version(99, 0),
            anonymous: Anonymous::ByPam("hub-pam"),
        };
        let wanted = |block: &Block<'_>, name: &str| {
            let values = block.wanted().into_iter().filter(|(keyword, _)| keyword == name);
            values.map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(wanted(&block, "authenticationmethods"), ["publickey keyboard-interactive:pam"]);
        assert_eq!(wanted(&block, "kbdinteractiveauthentication"), ["yes"]);
        assert_eq!(wanted(&block, "forcecommand"), ["/opt/x/gateway --auth-info"]);
        let by_key = Block { anonymous: Anonymous::ByKey, ..block };
        assert_eq!(wanted(&by_key, "kbdinteractiveauthentication"), ["no"]);
        assert_eq!(wanted(&by_key, "forcecommand"), ["none"]);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(Version(10, 0) > Version(9, 9));
        assert_eq!("9.2".parse(), Ok(Version(9, 2)));
    }
}
