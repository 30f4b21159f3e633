//! A push: what the gateway tells the push hook, and which refs a push may touch.
//!
//! The gateway writes a [`Brief`] before git starts; the hook, far from the database, reads it back. No I/O here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::key::Fingerprint;
use crate::name::{RepoPath, is_invisible};

/// The environment variable that names the hook's two descriptors, `BRIEF,LOG`; LOG may be missing.
pub const DESCRIPTORS: &str = "HUBGATE_DESCRIPTORS";

/// The first line of a brief: what it is, and in which form.
const HEADING: &str = "hubgate push 1";
/// The longest name of a ref, in bytes: what every file system takes.
const REF_NAME_MAX: usize = 255;
/// How many levels a ref's name may have.
const REF_LEVELS_MAX: usize = 10;

/// What the hook must know of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brief {
    /// The session's id in the log.
    pub sid: String,
    /// Who pushes, as the log has it.
    pub user: String,
    /// By which key.
    pub key: Fingerprint,
    /// From where.
    pub from: String,
    /// Where to.
    pub repository: RepoPath,
    /// The git that serves.
    pub git: PathBuf,
    /// How many refs a push may update; 0 is any number.
    pub refs: u64,
    /// How many commits it may bring; 0 is any number.
    pub commits: u64,
}

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sid, user, key, from, repository, git, refs, commits } = self;
        writeln!(f, "{HEADING}\n{sid}\n{user}\n{key}\n{from}\n{repository}\n{}\n{refs}\n{commits}", git.display())
    }
}

/// Not a brief that this program's gateway wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the gateway's brief is not one that this hook reads: are both of one release?")]
pub struct BadBrief;

impl FromStr for Brief {
    type Err = BadBrief;

    fn from_str(text: &str) -> Result<Self, BadBrief> {
        let lines: Vec<&str> = text.lines().collect();
        let [HEADING, sid, user, key, from, repository, git, refs, commits] = lines.as_slice() else {
            return Err(BadBrief);
        };
        Ok(Self {
            sid: (*sid).to_owned(),
            user: (*user).to_owned(),
            key: key.parse().map_err(|_| BadBrief)?,
            from: (*from).to_owned(),
            repository: repository.parse().map_err(|_| BadBrief)?,
            git: PathBuf::from(git),
            refs: refs.parse().map_err(|_| BadBrief)?,
            commits: commits.parse().map_err(|_| BadBrief)?,
        })
    }
}

/// Why a ref is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRef {
    /// Neither a branch nor a tag.
    #[error("only branches (refs/heads/) and tags (refs/tags/) can be pushed")]
    Place,
    /// Longer or deeper than file systems and people can bear.
    #[error("a ref has at most {REF_NAME_MAX} bytes and {REF_LEVELS_MAX} levels")]
    Size,
    /// Something that a terminal, a shell or a command line would take for its own.
    #[error("a ref has letters, digits and the signs . _ - + @ # % = , between slashes, and no part starts with '-'")]
    Character,
    /// `HEAD`, or what looks like an object's id.
    #[error("a ref that looks like HEAD or like the id of an object would be taken for it")]
    Ambiguous,
}

/// Says whether a ref of that name may be made or moved. git has its own rules besides (git-check-ref-format(1)).
///
/// # Errors
/// [`BadRef`], in words for the peer.
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
    fn a_brief_reads_back_as_it_was_written() {
        let brief = Brief {
            sid: "00ff".to_owned(),
            user: "alice".to_owned(),
            key: Fingerprint::from_bytes([7; 32]),
            from: "::1".to_owned(),
            repository: "datasets/acme/x".parse().unwrap(),
            git: "/usr/bin/git".into(),
            refs: 10,
            commits: 0,
        };
        let text = brief.to_string();
        assert_eq!(text.parse(), Ok(brief));
        assert_eq!(text.replace("push 1", "push 2").parse::<Brief>(), Err(BadBrief));
        assert_eq!(text.replace("acme/", "acme//").parse::<Brief>(), Err(BadBrief));
        assert_eq!((text + "more\n").parse::<Brief>(), Err(BadBrief));
    }

    #[test]
    fn branches_and_tags_of_ordinary_names_are_taken() {
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
    fn what_would_bite_a_script_or_a_reader_is_not_taken() {
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
