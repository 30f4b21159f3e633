//! A push: what the gateway tells the push hook, and which refs a push may change.
//!
//! The gateway writes a [`PushContext`] before git starts. The hook, which cannot open the database, reads it. No I/O
//! here.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::access::rule::AppliedRule;
use crate::access::{HolderId, SignedBy, SignerVerdict};
use crate::content::CheckValues;
use crate::key::Fingerprint;
use crate::name::Email;
use crate::word::words;

#[cfg(feature = "operator")]
pub mod canonical;
mod default_branch;
mod operator_checks;
pub mod proposal;
mod proposal_reply;
mod ref_name;

pub use default_branch::{DefaultBranch, MARK, followed};
pub use operator_checks::OperatorChecks;
pub use proposal::{ProposalNumber, ProposalRef};
pub use proposal_reply::{ProposalReply, ProposalRights};
pub use ref_name::{BRANCHES_AND_TAGS, BadRef, BranchName, PROPOSALS, check_ref};

/// The first line of a push context: its receiver, and the version of its format.
const HEADING: &str = "hubgate push 7";
/// The line of a push context without the operator's own checks.
const NO_CHECKS: &str = "no checks";
/// The line of a push context without a holder of locks.
const NO_HOLDER: &str = "-";

/// The hooks by whose names git runs `services`, for the whole push, for its refs, and after it (githooks(5)).
pub const HOOKS: [&str; 3] = ["pre-receive", "proc-receive", "post-receive"];

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
    /// The branch that HEAD of a new repository names, without `refs/heads/`.
    pub default_branch: String,
    /// The command that chooses the default branch, as the client can run it, without the branch.
    pub choose_branch: String,
    /// The checks of the content, with their values.
    pub checks: CheckValues,
    /// The operator's own checks, if there are any.
    pub operator_checks: Option<OperatorChecks>,
    /// Where the refs are that a push may create or update.
    pub namespaces: Vec<String>,
    /// Who pushes, as a message for the client says it.
    pub who: String,
    /// The holder of the session's LFS locks; `None` if it may lock nothing.
    pub lock_holder: Option<HolderId>,
    /// Whether the session may write, and not only propose.
    pub writes: bool,
    /// The URL of the repository.
    pub url: String,
    /// The rules that concern the session, in the order in which they are asked.
    pub rules: Vec<AppliedRule>,
}

impl fmt::Display for PushContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sid, git, bytes, refs, commits, stores_objects, default_branch, choose_branch, .. } = self;
        let checks = self.operator_checks.as_ref().map_or_else(|| NO_CHECKS.to_owned(), ToString::to_string);
        let holder = self.lock_holder.map_or_else(|| NO_HOLDER.to_owned(), |holder| holder.to_string());
        writeln!(f, "{HEADING}\n{sid}\n{}", git.display())?;
        writeln!(
            f,
            "{bytes}\n{refs}\n{commits}\n{stores_objects}\n{default_branch}\n{choose_branch}\n{}\n{checks}",
            self.checks
        )?;
        writeln!(f, "{}\n{}\n{}\n{}\n{}", self.namespaces.join(" "), self.who, holder, self.writes, self.url)?;
        // No field of a rule has the end of a line.
        self.rules.iter().try_for_each(|rule| writeln!(f, "{rule}"))
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
        let [
            HEADING,
            sid,
            git,
            bytes,
            refs,
            commits,
            stores_objects,
            default_branch,
            choose_branch,
            values,
            checks,
            namespaces,
            who,
            lock_holder,
            writes,
            url,
            rules @ ..,
        ] = lines.as_slice()
        else {
            return Err(BadPushContext);
        };
        Ok(Self {
            sid: (*sid).to_owned(),
            git: PathBuf::from(git),
            bytes: bytes.parse().map_err(|_| BadPushContext)?,
            refs: refs.parse().map_err(|_| BadPushContext)?,
            commits: commits.parse().map_err(|_| BadPushContext)?,
            stores_objects: stores_objects.parse().map_err(|_| BadPushContext)?,
            default_branch: (*default_branch).to_owned(),
            choose_branch: (*choose_branch).to_owned(),
            checks: values.parse().map_err(|_| BadPushContext)?,
            operator_checks: if *checks == NO_CHECKS { None } else { Some(checks.parse()?) },
            namespaces: namespaces.split(' ').map(str::to_owned).collect(),
            who: (*who).to_owned(),
            lock_holder: match *lock_holder {
                NO_HOLDER => None,
                holder => Some(holder.parse().map_err(|_| BadPushContext)?),
            },
            writes: writes.parse().map_err(|_| BadPushContext)?,
            url: (*url).to_owned(),
            rules: rules.iter().map(|rule| rule.parse().map_err(|_| BadPushContext)).collect::<Result<_, _>>()?,
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
    /// Whether these keys may have signed commits of committers with these addresses. The answer is [`SignerVerdicts`].
    Signers(SignedBy, Vec<Signing>),
    /// What the session may do with proposals, and with these. The answer is a [`ProposalReply`].
    Proposals(Vec<ProposalNumber>),
    /// To open a proposal for a branch, with a number greater than `after`. The answer is a [`ProposalReply`].
    Open {
        /// The branch.
        branch: BranchName,
        /// The last number that is in use in the repository.
        after: i64,
    },
    /// The push was refused, for that reason.
    Refused(String),
    /// The push was refused, for that reason, and git must end without a word about each of its refs.
    Ended(String),
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

/// A key that signed a commit, and the address of the committer if it can be the address of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signing {
    /// The key.
    pub key: Fingerprint,
    /// The address.
    pub email: Option<Email>,
}

impl fmt::Display for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No fingerprint has a comma.
        write!(f, "{},{}", self.key, self.email.as_ref().map_or("", Email::as_str))
    }
}

impl FromStr for Signing {
    type Err = NoVerdict;

    fn from_str(word: &str) -> Result<Self, NoVerdict> {
        let (key, email) = word.split_once(',').ok_or(NoVerdict)?;
        let email = if email.is_empty() { None } else { Some(email.parse().map_err(|_| NoVerdict)?) };
        Ok(Self { key: key.parse().map_err(|_| NoVerdict)?, email })
    }
}

impl FromHook {
    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> Vec<u8> {
        let one_line = |text: &str| text.replace('\n', " ");
        let mut line = match self {
            Self::Decide(bytes) => format!("decide {bytes}").into_bytes(),
            Self::Signers(by, signings) => {
                let words: String = signings.iter().map(|signing| format!(" {signing}")).collect();
                format!("signers {by}{words}").into_bytes()
            }
            Self::Proposals(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                format!("proposals {}", numbers.join(" ")).into_bytes()
            }
            Self::Open { branch, after } => format!("open {after} {branch}").into_bytes(),
            Self::Refused(reason) => format!("refused {}", one_line(reason)).into_bytes(),
            Self::Ended(reason) => format!("ended {}", one_line(reason)).into_bytes(),
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
            b"signers" => {
                let text = text()?;
                let mut words = text.split(' ');
                let by = words.next()?.parse().ok()?;
                words.map(str::parse).collect::<Result<_, _>>().ok().map(|signings| Self::Signers(by, signings))
            }
            b"proposals" => {
                let text = text()?;
                let numbers = text.split(' ').filter(|_| !text.is_empty()).map(str::parse);
                numbers.collect::<Result<_, _>>().ok().map(Self::Proposals)
            }
            b"open" => {
                let text = text()?;
                let (after, branch) = text.split_once(' ')?;
                Some(Self::Open { branch: branch.parse().ok()?, after: after.parse().ok()? })
            }
            b"refused" => text().map(Self::Refused),
            b"ended" => text().map(Self::Ended),
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

/// The guard's answer about keys: a verdict for each, in their order; none if the database does not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignerVerdicts(pub Vec<SignerVerdict>);

impl fmt::Display for SignerVerdicts {
    /// One line without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signers")?;
        self.0.iter().try_for_each(|verdict| write!(f, " {verdict}"))
    }
}

impl FromStr for SignerVerdicts {
    type Err = NoVerdict;

    fn from_str(text: &str) -> Result<Self, NoVerdict> {
        let mut words = text.split(' ');
        if words.next() != Some("signers") {
            return Err(NoVerdict);
        }
        words.map(|word| word.parse().map_err(|_| NoVerdict)).collect::<Result<_, _>>().map(Self)
    }
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
            default_branch: "main".to_owned(),
            choose_branch: "ssh git@hub.example repo default-branch alice/x".to_owned(),
            checks: "blob-size=5 binary=on".parse().unwrap(),
            operator_checks: None,
            namespaces: vec!["refs/heads/".to_owned(), "refs/tags/".to_owned()],
            who: "alice".to_owned(),
            lock_holder: Some(HolderId::Account(7)),
            writes: false,
            url: "git@hub.example:alice/x".to_owned(),
            rules: vec![
                "deny force,delete refs/heads/** rule 1 of alice/x: deny force,delete refs/heads/** @everyone",
                "allow all ** a rule of the hub",
            ]
            .into_iter()
            .map(|rule| rule.parse().unwrap())
            .collect(),
        };
        let text = context.to_string();
        assert_eq!(text.parse(), Ok(context.clone()));
        let without = PushContext { rules: Vec::new(), ..context };
        assert_eq!(without.to_string().parse(), Ok(without));
        assert_eq!(text.replace("push 7", "push 6").parse::<PushContext>(), Err(BadPushContext));
        assert_eq!(text.replace("true", "yes").parse::<PushContext>(), Err(BadPushContext));
        assert_eq!((text + "more\n").parse::<PushContext>(), Err(BadPushContext));
    }

    #[test]
    fn what_the_hook_says_is_one_line_and_reads_back() {
        let (old, new) = ("0".repeat(40), "a1".repeat(32));
        let key = Fingerprint::from_bytes([7; 32]);
        let signings = [Some("alice@example.org"), None]
            .map(|email| Signing { key, email: email.map(|email| email.parse().unwrap()) });
        for said in [
            FromHook::Decide(1 << 40),
            FromHook::Signers(SignedBy::Pusher, signings.into()),
            FromHook::Signers(SignedBy::Hub, Vec::new()),
            FromHook::Proposals(Vec::new()),
            FromHook::Proposals(["1", "70"].map(|number| number.parse().unwrap()).into()),
            FromHook::Open { branch: "feature/größe".parse().unwrap(), after: 0 },
            FromHook::Refused("no".to_owned()),
            FromHook::Ended("too many".to_owned()),
            FromHook::Fault(String::new()),
            FromHook::Moved { old, new, name: b"refs/heads/a b\xff".to_vec(), effect: Effect::Forced },
        ] {
            let line = said.line();
            let (end, line) = line.split_last().unwrap();
            assert!(*end == b'\n' && !line.contains(end));
            assert_eq!(FromHook::parse(line), Some(said));
        }
        assert_eq!(FromHook::Refused("a\nfault b".to_owned()).line(), b"refused a fault b\n");
        for line in [
            &b""[..],
            b"decide ",
            b"decide",
            b"decide x",
            b"moved",
            b"moved forced 0 0 x",
            b"moved x",
            b"refused \xff",
            b"signers",
            b"signers all",
            b"signers hub x,",
            b"signers hub SHA256:x,a@b",
            b"proposals",
            b"proposals 1  2",
            b"proposals 0",
            b"open",
            b"open main",
            b"open 1",
            b"open x main",
            b"open 1 -x",
            b"open 1 a b",
        ] {
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
        let verdicts = SignerVerdicts(SignerVerdict::ALL.to_vec());
        assert_eq!(verdicts.to_string().parse(), Ok(verdicts));
        for text in ["", "yes", "signers yes", "stands"] {
            assert_eq!(text.parse::<SignerVerdicts>(), Err(NoVerdict), "{text:?}");
        }
        for text in ["", "yes", "stands ", "stands\t", "refused"] {
            assert_eq!(text.parse::<PushVerdict>(), Err(NoVerdict), "{text:?}");
        }
    }
}
