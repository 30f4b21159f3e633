//! A push: what the gateway tells the push hook, and which refs a push may change.
//!
//! The gateway writes a [`PushContext`] before git starts. The hook, which cannot open the database, reads it. No I/O
//! here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::name::is_plain;
use crate::word::words;

/// The first line of a push context: its receiver, and the version of its format.
const HEADING: &str = "hubgate push 3";
/// The longest name of a ref, in bytes: the longest file name of common file systems.
const REF_NAME_MAX: usize = 255;
/// The most levels in a ref's name.
const REF_LEVELS_MAX: usize = 10;

words! {
    /// What a push did to a ref, in the order of the lines in the log.
    pub enum Effect {
        /// Removed.
        Deleted = "deleted",
        /// Moved to a commit that does not contain the old one, or git did not answer in time.
        Forced = "forced",
        /// Moved to a commit that contains the old one.
        Updated = "updated",
        /// New.
        Created = "created",
    }
}

/// What the hook must know of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushContext {
    /// The session's id in the log.
    pub sid: String,
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
        let Self { sid, git, bytes, refs, commits, stores_objects } = self;
        writeln!(f, "{HEADING}\n{sid}\n{}", git.display())?;
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
        let [HEADING, sid, git, bytes, refs, commits, stores_objects] = lines.as_slice() else {
            return Err(BadPushContext);
        };
        Ok(Self {
            sid: (*sid).to_owned(),
            git: PathBuf::from(git),
            bytes: bytes.parse().map_err(|_| BadPushContext)?,
            refs: refs.parse().map_err(|_| BadPushContext)?,
            commits: commits.parse().map_err(|_| BadPushContext)?,
            stores_objects: stores_objects.parse().map_err(|_| BadPushContext)?,
        })
    }
}

/// What the hook says to the session's guard, in one line: a question, or an event for the log.
///
/// The guard adds the session's own fields to each log line. The hook cannot choose them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromHook {
    /// Whether the rights of the session stand and the quotas have room for so many bytes. The answer is a
    /// [`PushVerdict`].
    Decide(u64),
    /// The push was refused, for that reason.
    Refused(String),
    /// The hook failed, for that cause.
    Fault(String),
    /// A ref moved from one object to another.
    Moved {
        /// The id of the old object.
        old: String,
        /// The id of the new object.
        new: String,
        /// The ref.
        name: Vec<u8>,
        /// What that means.
        effect: Effect,
    },
}

impl FromHook {
    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let one_line = |text: &str| text.replace('\n', " ");
        let mut line = match self {
            Self::Decide(bytes) => format!("decide {bytes}").into_bytes(),
            Self::Refused(reason) => format!("refused {}", one_line(reason)).into_bytes(),
            Self::Fault(cause) => format!("fault {}", one_line(cause)).into_bytes(),
            // A ref's name has no newline (git-check-ref-format(1)).
            Self::Moved { old, new, name, effect } => {
                [format!("moved {effect} {old} {new} ").as_bytes(), name].concat()
            }
        };
        line.push(b'\n');
        line
    }

    /// Reads a line without its end. Returns `None` if [`Self::line`] cannot have written it.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<Self> {
        if line.contains(&b'\n') {
            return None;
        }
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let (word, rest) = (words.next()?, words.next());
        let text = || String::from_utf8(rest?.to_vec()).ok();
        match word {
            b"decide" => text()?.parse().ok().map(Self::Decide),
            b"refused" => text().map(Self::Refused),
            b"fault" => text().map(Self::Fault),
            b"moved" => {
                let mut words = rest?.splitn(4, |byte| *byte == b' ');
                let effect = std::str::from_utf8(words.next()?).ok()?.parse().ok()?;
                let mut id = || {
                    let id = words.next().filter(|id| matches!(id.len(), 40 | 64))?;
                    id.iter().all(u8::is_ascii_hexdigit).then(|| String::from_utf8_lossy(id).into_owned())
                };
                let (old, new) = (id()?, id()?);
                Some(Self::Moved { old, new, name: words.next()?.to_vec(), effect })
            }
            _ => None,
        }
    }
}

/// The guard's answer: whether the push may go on at the moment at which refs move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushVerdict {
    /// The rights stand, and the quotas have room.
    Stands,
    /// It may not, with the lines for the client.
    Refused(Vec<String>),
    /// The database does not answer.
    Unknown,
}

impl fmt::Display for PushVerdict {
    /// One line without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stands => f.write_str("stands"),
            Self::Unknown => f.write_str("unknown"),
            Self::Refused(lines) => {
                f.write_str("refused")?;
                lines.iter().try_for_each(|line| write!(f, "\t{}", line.replace(char::is_control, "?")))
            }
        }
    }
}

/// The text is no verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session's guard gave no answer")]
pub struct NoVerdict;

impl FromStr for PushVerdict {
    type Err = NoVerdict;

    fn from_str(text: &str) -> Result<Self, NoVerdict> {
        match text.split_once('\t') {
            None if text == "stands" => Ok(Self::Stands),
            None if text == "unknown" => Ok(Self::Unknown),
            Some(("refused", lines)) => Ok(Self::Refused(lines.split('\t').map(str::to_owned).collect())),
            None | Some(_) => Err(NoVerdict),
        }
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
    let plain = |c: char| (c.is_alphanumeric() && is_plain(c)) || "._-+@#%=,/".contains(c);
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
            git: "/usr/bin/git".into(),
            bytes: 1 << 30,
            refs: 10,
            commits: 0,
            stores_objects: true,
        };
        let text = context.to_string();
        assert_eq!(text.parse(), Ok(context));
        assert_eq!(text.replace("push 3", "push 4").parse::<PushContext>(), Err(BadPushContext));
        assert_eq!(text.replace("true", "yes").parse::<PushContext>(), Err(BadPushContext));
        assert_eq!((text + "more\n").parse::<PushContext>(), Err(BadPushContext));
    }

    #[test]
    fn what_the_hook_says_is_one_line_and_reads_back() {
        let (old, new) = ("0".repeat(40), "a1".repeat(32));
        for said in [
            FromHook::Decide(1 << 40),
            FromHook::Refused("no".to_owned()),
            FromHook::Fault(String::new()),
            FromHook::Moved { old, new, name: b"refs/heads/a b\xff".to_vec(), effect: Effect::Forced },
        ] {
            let line = said.line();
            let (end, line) = line.split_last().unwrap();
            assert!(*end == b'\n' && !line.contains(end));
            assert_eq!(FromHook::parse(line), Some(said));
        }
        assert_eq!(FromHook::Refused("a\nfault b".to_owned()).line(), b"refused a fault b\n");
        for line in
            [&b""[..], b"decide ", b"decide", b"decide x", b"moved", b"moved forced 0 0 x", b"moved x", b"refused \xff"]
        {
            assert_eq!(FromHook::parse(line), None, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_verdict_reads_back_and_anything_else_is_none() {
        let lines = ["alice/x is read-only: moving".to_owned(), "you are alice".to_owned()];
        for verdict in [PushVerdict::Stands, PushVerdict::Unknown, PushVerdict::Refused(lines.into())] {
            assert_eq!(verdict.to_string().parse(), Ok(verdict));
        }
        assert_eq!(PushVerdict::Refused(vec!["a\nstands".to_owned()]).to_string(), "refused\ta?stands");
        for text in ["", "yes", "stands ", "stands\t", "refused"] {
            assert_eq!(text.parse::<PushVerdict>(), Err(NoVerdict), "{text:?}");
        }
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
