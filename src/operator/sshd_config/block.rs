//! sshd's block for the hub's logins, made only from `sshd_config.example`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::config::{AnonymousMode, Config, DEFAULT_PATH};
use crate::operator::openssh::Version;
use crate::operator::pam;
use crate::request::AUTH_INFO;

/// The shipped block, for the newest OpenSSH, the login `git` and the default configuration file.
pub const EXAMPLE: &str = include_str!("../../../sshd_config.example");

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
        let config = config_option(self.config);
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
    pub(in crate::operator) fn logins(&self) -> impl Iterator<Item = &str> {
        let nobody = match self.anonymous {
            Anonymous::ByLogin(nobody) => Some(nobody),
            Anonymous::ByKey | Anonymous::ByPam(_) => None,
        };
        std::iter::once(self.login).chain(nobody)
    }

    /// The directives that must apply to the logins: keyword, value.
    pub(super) fn wanted(&self) -> Vec<(String, String)> {
        let text = self.to_string();
        let directives = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut wanted: Vec<(String, String)> = Vec::new();
        for (keyword, value) in directives.filter_map(|line| line.split_once(' ')) {
            // sshd uses the first of two lines.
            if keyword != "Match" && !wanted.iter().any(|(before, _)| *before == keyword) {
                wanted.push((keyword.to_owned(), value.to_owned()));
            }
        }
        if !matches!(self.anonymous, Anonymous::ByPam(_)) {
            // It would replace the command of the helper's line.
            wanted.push(("ForceCommand".to_owned(), "none".to_owned()));
        }
        wanted
    }
}

/// The version in a comment of the example, such as `(OpenSSH 9.2)`.
fn since_version(comment: &str) -> Option<Version> {
    let (_, version) = comment.rsplit_once("(OpenSSH ")?;
    version.split_once(')')?.0.parse().ok()
}

/// The option that names the configuration file to hubgate's programs.
pub(in crate::operator) fn config_option(config: &Path) -> String {
    if config == Path::new(DEFAULT_PATH) { String::new() } else { format!(" --config {}", config.display()) }
}

/// The file with the block that belongs to a configuration file of sshd.
pub(super) fn drop_in(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("/")).join("sshd_config.d/50-hubgate.conf")
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
        assert_eq!(wanted(&block, "AuthenticationMethods"), ["publickey keyboard-interactive:pam"]);
        assert_eq!(wanted(&block, "KbdInteractiveAuthentication"), ["yes"]);
        assert_eq!(wanted(&block, "ForceCommand"), ["/opt/x/gateway --auth-info"]);
        let by_key = Block { anonymous: Anonymous::ByKey, ..block };
        assert_eq!(wanted(&by_key, "KbdInteractiveAuthentication"), ["no"]);
        assert_eq!(wanted(&by_key, "ForceCommand"), ["none"]);
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(Version(10, 0) > Version(9, 9));
        assert_eq!("9.2".parse(), Ok(Version(9, 2)));
    }
}
