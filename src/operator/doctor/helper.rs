//! Runs `authorized-keys` as sshd does: with the configured command line, as its account, in its environment.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Findings;
use crate::config::{AnonymousMode, Config};
use crate::operator::programs::LIBEXEC;
use crate::operator::sshd_config::config_option;
use crate::passwd::Login;
use crate::request::UNAVAILABLE;

/// An invented, well-formed key. The helper treats it like every unknown key.
const KEY: [&str; 2] = ["ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIIyvsxAYqLJqm+UWlMSptsaMpMGhaX8h9WrhcObQu61/"];
/// A healthy lookup takes a few thousandths of this. sshd makes two per login, and other logins wait.
const SLOW: Duration = Duration::from_millis(500);

/// The checks that already name the cause if the helper fails.
pub(super) const CAUSES: [&str; 3] = ["programs", "keys-login", "database"];

/// The helper's command line with sshd's tokens.
#[derive(Debug)]
pub(super) struct CommandLine(Vec<String>);

impl CommandLine {
    /// The command line that sshd has for the login; without one, the line that it should have.
    pub(super) fn of(setting: Option<&str>, config_path: &Path) -> Self {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect();
        Self(
            setting.map_or_else(
                || words(&format!("{LIBEXEC}/authorized-keys{} %u %t %k", config_option(config_path))),
                words,
            ),
        )
    }

    pub(super) fn program(&self) -> PathBuf {
        self.0.first().map(PathBuf::from).unwrap_or_default()
    }

    /// The arguments with expanded tokens. As in sshd, each word stays one word (`sshd_config(5)`, `TOKENS`).
    fn arguments(&self, login: &str) -> Vec<String> {
        let [key_type, key] = KEY;
        let expand = |word: &String| match word.as_str() {
            "%u" => login.to_owned(),
            "%t" => key_type.to_owned(),
            "%k" => key.to_owned(),
            other => other.to_owned(),
        };
        self.0.iter().skip(1).map(expand).collect()
    }
}

/// Runs a program with an account's uid, gid and, if util-linux is installed, all its groups, as sshd does.
fn as_account(program: &Path, account: &Login) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if setpriv.exists() {
        let mut command = Command::new(setpriv);
        command.args([format!("--reuid={}", account.name), format!("--regid={}", account.gid)]);
        command.args(["--init-groups", "--"]).arg(program);
        command
    } else {
        let mut command = Command::new(program);
        command.uid(account.uid).gid(account.gid);
        command
    }
}

/// Asks about an unregistered key. The finding says how sshd would treat the answer.
pub(super) fn check(findings: &mut Findings, config: &Config, line: &CommandLine, keys: &Login) {
    let program = line.program();
    let shown = program.display();
    let mut command = as_account(&program, keys);
    command
        .args(line.arguments(&config.ssh.login))
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/games")
        .env("USER", &keys.name)
        .env("LOGNAME", &keys.name)
        .env("HOME", &keys.home)
        .current_dir("/")
        .stdin(Stdio::null());
    let fix = "read hubgate-keys in the system log: journalctl -t hubgate-keys";
    let start = Instant::now();
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return findings.bad("helper", format!("{shown}: {error}"), fix),
    };
    let took = start.elapsed();
    let said = String::from_utf8_lossy(&output.stdout);
    let wanted = match config.access.anonymous {
        AnonymousMode::AnyKey => " anonymous --key SHA256:",
        AnonymousMode::Login | AnonymousMode::Fallback | AnonymousMode::Off => "",
    };
    if !output.status.success() {
        let text = format!("{shown} ends with {} as {}: all logins fail", output.status, keys.name);
        findings.bad("helper", text, fix);
    } else if said.contains(UNAVAILABLE) {
        let text = format!(
            "{shown} cannot read the database as {}: every client reads that the hub is unavailable",
            keys.name
        );
        findings.bad("helper", text, fix);
    } else if !output.stderr.is_empty() || said.is_empty() != wanted.is_empty() || !said.contains(wanted) {
        let text = format!("{shown} answers an unregistered key with {:?}", said.trim_end());
        findings.bad("helper", text, "reinstall hubgate, with all programs of one version");
    } else if took > SLOW {
        let text = format!("answers as {}, but takes {} ms", keys.name, took.as_millis());
        findings.warn("helper", text, "find out what keeps the machine or its disk busy");
    } else {
        findings.ok("helper", format!("answers as {}", keys.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULT_PATH;

    #[test]
    fn tokens_are_expanded_word_by_word() {
        let line = CommandLine::of(Some("/x/authorized-keys --config /c.toml %u %t %k"), Path::new("/other"));
        assert_eq!(line.program(), Path::new("/x/authorized-keys"));
        assert_eq!(line.arguments("git"), ["--config", "/c.toml", "git", KEY[0], KEY[1]]);
        let line = CommandLine::of(None, Path::new(DEFAULT_PATH));
        assert_eq!(line.program(), Path::new("/usr/libexec/hubgate/authorized-keys"));
        assert_eq!(line.arguments("git"), ["git", KEY[0], KEY[1]]);
        let line = CommandLine::of(None, Path::new("/c.toml"));
        assert_eq!(line.arguments("git"), ["--config", "/c.toml", "git", KEY[0], KEY[1]]);
    }
}
