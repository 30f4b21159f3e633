//! A push: what the gateway tells the push hook, and which refs a push may change.
//!
//! The gateway writes a [`PushContext`] before git starts. The hook, which cannot open the database, reads it. No I/O
//! here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::key::Fingerprint;
use crate::name::{RepoPath, is_invisible};

/// The first line of a push context: its receiver, and the version of its format.
const HEADING: &str = "hubgate push 2";
/// The longest name of a ref, in bytes: the longest file name of common file systems.
const REF_NAME_MAX: usize = 255;
/// The most levels in a ref's name.
const REF_LEVELS_MAX: usize = 10;

/// What the hook must know of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushContext {
    /// The session's id in the log.
    pub sid: String,
    /// The value of `user=` in the log.
    pub user: String,
    /// The key of the session.
    pub key: Fingerprint,
    /// The client's address.
    pub from: String,
    /// The repository that git serves.
    pub repository: RepoPath,
    /// The git program that serves it.
    pub git: PathBuf,
    /// The most bytes that a push may store; 0 means no limit.
    pub bytes: u64,
    /// The most refs that a push may update; 0 means no limit.
    pub refs: u64,
    /// The most commits that a push may add; 0 means no limit.
    pub commits: u64,
    /// Whether LFS objects are stored here, so that a pointer without its object is refused.
    pub stores_objects: bool,
}

impl fmt::Display for PushContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sid, user, key, from, repository, git, bytes, refs, commits, stores_objects } = self;
        writeln!(f, "{HEADING}\n{sid}\n{user}\n{key}\n{from}\n{repository}\n{}", git.display())?;
        writeln!(f, "{bytes}\n{refs}\n{commits}\n{stores_objects}")
    }
}

/// The text is not a push context of this program's gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the push hook cannot read the gateway's message: are both programs of one release?")]
pub struct BadPushContext;

impl FromStr for PushContext {
    type Err = BadPushContext;

    fn from_str(text: &str) -> Result<Self, BadPushContext> {
        let lines: Vec<&str> = text.lines().collect();
        let [HEADING, sid, user, key, from, repository, git, bytes, refs, commits, stores_objects] = lines.as_slice()
        else {
            return Err(BadPushContext);
        };
        Ok(Self {
            sid: (*sid).to_owned(),
            user: (*user).to_owned(),
            key: key.parse().map_err(|_| BadPushContext)?,
            from: (*from).to_owned(),
            repository: repository.parse().map_err(|_| BadPushContext)?,
            git: PathBuf::from(git),
            bytes: bytes.parse().map_err(|_| BadPushContext)?,
            refs: refs.parse().map_err(|_| BadPushContext)?,
            commits: commits.parse().map_err(|_| BadPushContext)?,
            stores_objects: stores_objects.parse().map_err(|_| BadPushContext)?,
        })
    }
}

/// Why a push may not change a ref.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRef {
    /// The ref is neither a branch nor a tag.
    #[error("only branches (refs/heads/) and tags (refs/tags/) can be pushed")]
    Place,
    /// The name is too long or has too many levels.
    #[error("a ref has at most {REF_NAME_MAX} bytes and {REF_LEVELS_MAX} levels")]
    Size,
    /// The name has characters that a terminal, a shell or a command line could interpret.
    #[error("a ref has letters, digits and the signs . _ - + @ # % = , between slashes, and no part starts with '-'")]
    Character,
    /// The name is `HEAD`, or looks like an object id.
    #[error("git could confuse a ref named HEAD, or named like an object id, with HEAD or that object")]
    Ambiguous,
}

/// Checks whether a push may create or update a ref of this name. git also applies its own rules
/// (git-check-ref-format(1)).
///
/// # Errors
/// [`BadRef`], worded for the client.
pub fn check_ref(name: &[u8]) -> Result<(), BadRef> {
    let name = std::str::from_utf8(name).map_err(|_| BadRef::Character)?;
    let short = name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/"));
    let short = short.ok_or(BadRef::Place)?;
    if name.len() > REF_NAME_MAX || name.split('/').count() > REF_LEVELS_MAX {
        return Err(BadRef::Size);
    }
    let plain = |c: char| (c.is_alphanumeric() && !is_invisible(c)) || "._-+@#%=,/".contains(c);
    if !short.chars().all(plain) || short.split('/').any(|part| part.starts_with('-')) {
        return Err(BadRef::Character);
    }
    let is_id = matches!(short.len(), 40 | 64) && short.bytes().all(|byte| byte.is_ascii_hexdigit());
    if short == "HEAD" || is_id { Err(BadRef::Ambiguous) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_context_reads_back_as_it_was_written() {
        let context = PushContext {
            sid: "00ff".to_owned(),
            user: "alice".to_owned(),
            key: Fingerprint::from_bytes([7; 32]),
            from: "::1".to_owned(),
            repository: "datasets/acme/x".parse().unwrap(),
            git: "/usr/bin/git".into(),
            bytes: 1 << 30,
            refs: 10,
            commits: 0,
            stores_objects: true,
        };
        let text = context.to_string();
        assert_eq!(text.parse(), Ok(context));
        assert_eq!(text.replace("push 2", "push 3").parse::<PushContext>(), Err(BadPushContext));
        assert_eq!(text.replace("acme/", "acme//").parse::<PushContext>(), Err(BadPushContext));
        assert_eq!((text + "more\n").parse::<PushContext>(), Err(BadPushContext));
    }

    #[test]
    fn branches_and_tags_of_ordinary_names_are_accepted() {
        for name in [
            "refs/heads/main",
            "refs/heads/feature/#123-x",
            "refs/tags/v1.0+rc.1",
            "refs/heads/user@host",
            "refs/heads/größe",
            "refs/heads/日本",
            "refs/heads/a=b,c%d",
        ] {
            assert_eq!(check_ref(name.as_bytes()), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_ref_name_that_could_trick_a_script_or_a_reader_is_rejected() {
        let long = format!("refs/heads/{}", "x".repeat(250));
        let deep = format!("refs/heads/{}x", "d/".repeat(20));
        let id = format!("refs/heads/{}", "a1".repeat(20));
        let id256 = format!("refs/tags/{}", "0f".repeat(32));
        for (name, why) in [
            ("refs/pull/1/head", BadRef::Place),
            ("refs/replace/0000", BadRef::Place),
            ("refs/notes/commits", BadRef::Place),
            ("refs/x", BadRef::Place),
            ("HEAD", BadRef::Place),
            ("refs/heads/-x", BadRef::Character),
            ("refs/heads/a/-x", BadRef::Character),
            ("refs/heads/$(id)", BadRef::Character),
            ("refs/heads/`id`;x", BadRef::Character),
            ("refs/heads/a b", BadRef::Character),
            ("refs/heads/a\u{202e}b", BadRef::Character),
            ("refs/heads/a\"b", BadRef::Character),
            ("refs/heads/HEAD", BadRef::Ambiguous),
            (&id, BadRef::Ambiguous),
            (&id256, BadRef::Ambiguous),
            (&long, BadRef::Size),
            (&deep, BadRef::Size),
        ] {
            assert_eq!(check_ref(name.as_bytes()), Err(why), "{name}");
        }
        assert_eq!(check_ref(b"refs/heads/\xff"), Err(BadRef::Character));
    }
}
