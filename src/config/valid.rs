//! Which values a configuration may have.

use std::path::Path;

use super::{Config, LfsMode, is_host};

impl Config {
    /// Checks each value.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let Self { hub, ssh, access: _, paths, git, checks, sandbox: _, lfs, limits: _, log } = self;
        let printable = |text: &str| !text.chars().any(char::is_control);
        if !printable(&hub.name) || hub.name.is_empty() || !printable(&hub.keys_help) {
            return Err("[hub] name and keys_help are one line of printable text each");
        }
        if !is_host(&hub.host) {
            return Err("[hub] host is a host name or an IP address");
        }
        if !is_login(&ssh.login) {
            return Err("[ssh] login is the name of a login account, and not root");
        }
        if !is_login(&ssh.anonymous_login) || ssh.anonymous_login == ssh.login {
            return Err("[ssh] anonymous_login is the name of a login account, and neither root nor login");
        }
        if ssh.port == 0 {
            return Err("[ssh] port is a number from 1 to 65535");
        }
        let path = |path: &Path| path.is_absolute() && path.to_str().is_some_and(printable);
        let places = [&paths.database, &paths.repositories, &paths.git, &checks.directory, &log.socket];
        if !places.into_iter().all(|file| path(file)) || !paths.state.as_os_str().is_empty() && !path(&paths.state) {
            return Err("[paths], [checks] directory and [log] socket are absolute paths of printable text");
        }
        let branch = |c: char| c.is_ascii_alphanumeric() || "._/-".contains(c);
        if git.default_branch.is_empty()
            || !git.default_branch.chars().all(branch)
            || git.default_branch.starts_with('-')
        {
            return Err("[git] default_branch is the name of a branch");
        }
        if !git.refs.iter().any(|refs| refs == "refs/heads/") || !git.refs.iter().all(|refs| is_namespace(refs)) {
            return Err("[git] refs has \"refs/heads/\" and other beginnings of the form \"refs/NAME/\", \
                        but neither refs/replace/ nor refs/original/");
        }
        if lfs.mode == LfsMode::Http && lfs.token_command.as_os_str().is_empty() {
            if !lfs.url.starts_with("https://") && !lfs.url.starts_with("http://") || !lfs.url.contains("{path}") {
                return Err("[lfs] url is the address of a repository on the LFS server, with {path} in it");
            }
            if !lfs.jwt_key_file.is_absolute() {
                return Err("[lfs] mode \"http\" needs jwt_key_file or token_command, an absolute path");
            }
        }
        Ok(())
    }
}

/// Whether a text is the beginning of names of refs: `refs/`, at least one level, and a `/`. Refs in `refs/replace/`
/// would change what git shows of other objects, and those in `refs/original/` are copies that git itself made.
fn is_namespace(text: &str) -> bool {
    let character = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_level = |level: &str| {
        let is_plain = !level.is_empty() && level.chars().all(character) && !level.contains("..");
        is_plain && !level.starts_with(['.', '-']) && !level.ends_with('.')
    };
    let levels = text.strip_prefix("refs/").and_then(|text| text.strip_suffix('/'));
    levels.is_some_and(|levels| {
        let first = levels.split('/').next();
        levels.split('/').all(is_level) && !matches!(first, Some("replace" | "original"))
    })
}

/// Whether a text can be the name of a login account, as shadow's `useradd` accepts it without being forced.
#[must_use]
pub fn is_login(name: &str) -> bool {
    let tail = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    name.len() <= 32
        && name != "root"
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.chars().all(tail)
}
